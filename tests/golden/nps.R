# Independent recipe for tests/golden/nps.json: base R, run with `Rscript tests/golden/nps.R > tests/golden/nps.json`.
# Every design effect is written as "the mean without account i", not by the formula of the package; the score's
# interval as a confidence interval of a mean of +1, 0, -1 with three made-up answers, not by shares.
z <- qnorm(0.975)
num <- function(x) paste0("[", paste(formatC(x, digits = 12, format = "g"), collapse = ", "), "]")
txt <- function(x) paste0("[", paste0("\"", x, "\"", collapse = ", "), "]")

worth <- function(x, who, w) { # n divided by the design effect
  n <- length(x)
  w <- w / sum(w)
  mean_all <- sum(w * x)
  ids <- unique(who)
  m <- length(ids)
  held <- sapply(ids, function(i) sum(w[who == i]))
  kish <- 1 / sum(w^2)
  if (m == n) return(min(n, kish))
  spread <- sum(w * (x - mean_all)^2)
  if (1 / sum(held^2) < 5 || spread < 1e-12) return(min(n, kish, 1 / sum(held^2)))
  without <- sapply(ids, function(i) sum(w[who != i] * x[who != i]) / sum(w[who != i]))
  jackknife <- (m - 1) / m * sum((without - mean_all)^2)
  min(n, kish, n * (spread / (n - 1)) / jackknife)
}
adjusted <- function(x, who, w = rep(1, length(x))) { # mean and variance with 3/4, 1 1/2, 3/4 answers added
  k <- worth(x, who, w)
  values <- c(x, 1, 0, -1)
  weights <- c(w / sum(w) * k, 0.75, 1.5, 0.75)
  centre <- weighted.mean(values, weights)
  c(centre, weighted.mean((values - centre)^2, weights) / sum(weights), k)
}
score <- function(name, x, who = NULL, w = NULL) {
  a <- adjusted(x, if (is.null(who)) seq_along(x) else who, if (is.null(w)) rep(1, length(x)) else w)
  e <- weighted.mean(x, if (is.null(w)) rep(1, length(x)) else w)
  limits <- c(max(-1, a[1] - z * sqrt(a[2])), min(1, a[1] + z * sqrt(a[2])))
  paste0("{\"name\": \"", name, "\", \"values\": ", num(x),
         if (is.null(who)) "" else paste0(", \"accounts\": ", txt(who)),
         if (is.null(w)) "" else paste0(", \"weights\": ", num(w)),
         ", \"interval\": ", num(100 * c(e, min(limits[1], e), max(limits[2], e))),
         ", \"n_eff\": ", formatC(a[3], digits = 12, format = "g"), "}")
}
moved <- function(x, who, all_ids) { # what the mean loses without each account; 0 for accounts that are not there
  sapply(all_ids, function(i) if (any(who == i) && any(who != i)) mean(x) - mean(x[who != i]) else 0)
}
differ <- function(name, x, who, y, whom) {
  a <- adjusted(x, who); b <- adjusted(y, whom)
  ids <- union(who, whom)
  u <- moved(x, who, ids); v <- moved(y, whom, ids)
  shared <- length(intersect(who, whom))
  rho <- if (sum(u^2) * sum(v^2) > 0) sum(u * v) / sqrt(sum(u^2) * sum(v^2)) * shared / (shared + 3) else 0
  se <- sqrt(a[2] + b[2] - 2 * rho * sqrt(a[2] * b[2]))
  e <- mean(x) - mean(y); centre <- a[1] - b[1]
  out <- c(100 * e, 100 * min(e, centre - z * se), 100 * max(e, centre + z * se), 2 * pnorm(-abs(centre) / se))
  side <- function(x, who) paste0("{\"values\": ", num(x), ", \"accounts\": ", txt(who), "}")
  paste0("{\"name\": \"", name, "\", \"later\": ", side(x, who), ", \"earlier\": ", side(y, whom),
         ", \"result\": ", num(out), "}")
}
wilson <- function(p, n) { # solve the score test for its two roots
  f <- function(x) (p - x)^2 - z^2 * x * (1 - x) / n
  c(if (p == 0) 0 else uniroot(f, c(0, p - 1e-6), tol = 1e-15)$root, if (p == 1) 1 else uniroot(f, c(p + 1e-6, 1), tol = 1e-15)$root)
}
shares <- function(name, x, who, y, whom) {
  n <- length(x); m <- length(unique(who)); p <- mean(x)
  total <- tapply(x - p, who, sum)
  k <- if (p == 0 || p == 1) m else min(n, n / (m / (m - 1) * sum(total^2) / (n^2 / (n - 1) * p * (1 - p))))
  h <- if (sum(x) == 0 || sum(y) == 0) 0.5 else 0
  ra <- (sum(x) + h) / (length(x) + h); rb <- (sum(y) + h) / (length(y) + h)
  ids <- union(who, whom)
  each <- sapply(ids, function(i) sum(x[who == i] - ra) / (length(x) * ra) - sum(y[whom == i] - rb) / (length(y) * rb))
  least <- 1 / (sum(x) + 0.5) - 1 / (length(x) + 1) + 1 / (sum(y) + 0.5) - 1 / (length(y) + 1)
  se <- sqrt(max(length(ids) / (length(ids) - 1) * sum(each^2), least))
  paste0("{\"name\": \"", name, "\", \"events\": ", num(x), ", \"clusters\": ", txt(who), ", \"reference\": ", num(y),
         ", \"reference_clusters\": ", txt(whom), ", \"share\": ", num(c(p, wilson(p, k))),
         ", \"ratio\": ", num(ra / rb * exp(c(0, -z, z) * se)), "}")
}

answers <- c(1, 1, 0, -1, 1, 0, 0, 1, -1, -1, 1, 1, 1, 0, -1, 1, 1, 0, 1, 0)
accounts <- c("a", "a", "a", "b", "b", "c", "c", "c", "d", "d", "e", "f", "f", "f", "g", "g", "h", "h", "i", "i")
weights <- c(1, 2, 1, 0.5, 1, 1, 3, 1, 1, 1, 2, 1, 0.5, 1, 1, 1, 1, 2, 1, 1)
spring <- c(1, 0, 0, -1, 0, 0, -1, 1, -1, -1, 1, 0, 1, 0, -1, 1)
spring_accounts <- c("a", "a", "a", "b", "b", "c", "c", "c", "d", "d", "e", "f", "f", "j", "k", "l")
worked <- rep(c(1, 0, -1), c(19, 9, 8))
left <- c(1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0)
left_accounts <- c("a", "a", "b", "b", "c", "c", "d", "e", "f", "f", "g", "h")
stayed <- c(0, 0, 1, 0, 0, 0, 0, 0, 0, 1)
stayed_accounts <- c("a", "b", "b", "i", "j", "k", "l", "m", "n", "o")
cat("{\n\"obtained\": \"Rscript tests/golden/nps.R > tests/golden/nps.json, R 4 of Debian 12, base packages only\",\n")
cat("\"scores\": [\n")
cat(paste(c(
  score("worked example", worked),
  score("accounts", answers, accounts),
  score("weights", answers, NULL, weights),
  score("accounts and weights", answers, accounts, weights),
  score("three accounts", answers[1:8], accounts[1:8]),
  score("all promoters", rep(1, 20), accounts),
  score("one detractor", -1)
), collapse = ",\n"), "\n],\n\"differences\": [\n")
cat(paste(c(
  differ("no account in common", answers, accounts, spring, paste0("x", spring_accounts)),
  differ("accounts in common", answers, accounts, spring, spring_accounts),
  differ("the same answers", answers, accounts, answers, accounts),
  differ("all promoters twice", rep(1, 20), accounts, rep(1, 16), spring_accounts)
), collapse = ",\n"), "\n],\n\"shares\": [\n")
cat(paste(c(
  shares("accounts in both", left, left_accounts, stayed, stayed_accounts),
  shares("nobody in the reference", left, left_accounts, rep(0, 10), stayed_accounts),
  shares("everybody", rep(1, 12), left_accounts, rep(1, 10), stayed_accounts)
), collapse = ",\n"), "\n]\n}\n")
