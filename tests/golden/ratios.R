# Independent recipe for tests/golden/ratios.json: base R, run with `Rscript tests/golden/ratios.R`.
# The error of a ratio is written as a sum over "the ratio without account i", not by the formula of the package.
opening <- c(120, 80, 80, 60, 55, 50, 45, 40, 40, 35, 30, 30, 25, 20, 20)
closing <- c(132,  0, 80, 45, 66, 50, 30, 40, 48,  0, 30, 36, 25, 20, 10)
earlier_opening <- c(110, 80, 70, 60, 50, 50, 45, 0, 40, 30, 30, 0, 20, 20, 20)
earlier_closing <- c(120, 80, 80, 60, 55, 50, 45, 40, 40, 35, 30, 30, 25, 20, 20)

without <- function(s, e) (sum(e) - e) / (sum(s) - s) # where s is 0, e must be set to 0 first
df <- function(s) { w <- s / sum(s); max(1, sum(w^2)^2 / sum(w^4)) }
net <- function(s, e) {
  r <- sum(e) / sum(s)
  se <- sqrt(sum((without(s, e) - r)^2))
  h <- qt(0.975, df(s)) * se
  c(r, max(0, r - h), r + h, sum(s)^2 / sum(s^2))
}
wilson <- function(p, n) { # solve the score test for its two roots
  f <- function(x) (p - x)^2 - qnorm(0.975)^2 * x * (1 - x) / n
  c(p, uniroot(f, c(0, p), tol = 1e-14)$root, uniroot(f, c(p, 1), tol = 1e-14)$root)
}
show <- function(name, x) cat(name, paste(formatC(x, digits = 12, format = "g"), collapse = " "), "\n")
n_eff <- sum(opening)^2 / sum(opening^2)
show("net", net(opening, closing))
show("gross", c(wilson(sum(pmin(opening, closing)) / sum(opening), n_eff), n_eff))
show("logo", c(wilson(13 / 15, 15), prop.test(13, 15, correct = FALSE)$conf.int)) # the last two: R's own Wilson
e0 <- ifelse(earlier_opening > 0, earlier_closing, 0)
ra <- sum(closing) / sum(opening); rb <- sum(e0) / sum(earlier_opening)
d <- (ra - without(opening, closing)) - (rb - without(earlier_opening, e0))
h <- qt(0.975, min(df(opening), df(earlier_opening))) * sqrt(sum(d^2))
show("difference", c(ra - rb, ra - rb - h, ra - rb + h))
show("wilson 2/4", prop.test(2, 4, correct = FALSE)$conf.int)
show("wilson 0/20", prop.test(0, 20, correct = FALSE)$conf.int)
show("wilson 81/263", prop.test(81, 263, correct = FALSE)$conf.int)
