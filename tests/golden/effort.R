# Independent recipe for tests/golden/effort.json: base R, run with `Rscript tests/golden/effort.R`.
# Effects as dummies and the clustered sandwich written out, not concentrated out as in the package.
show <- function(name, x) cat(name, paste(formatC(x, digits = 12, format = "g"), collapse = " "), "\n")

# 1. mix cell + CSM: hours of 24 accounts of three CSMs in three cells
i <- 0:23
csm <- factor(c("A", "B", "C")[i %% 3 + 1]); cell <- factor((i * 7 + i %/% 5) %% 3)
months <- 1 + (i * 5) %% 7
hours <- round(months * (2 + as.integer(cell)) * c(0.8, 1, 1.3)[as.integer(csm)] * (1 + 0.3 * sin(i)), 2)
fit <- glm(hours ~ cell + csm, offset = log(months), family = quasipoisson, control = list(epsilon = 1e-14, maxit = 100))
b <- c(0, coef(fit)[c("csmB", "csmC")])
show("hours", hours)
show("centred effects", b - mean(b))
show("pearson dispersion", summary(fit)$dispersion)
v <- matrix(0, 3, 3); v[2:3, 2:3] <- vcov(fit)[c("csmB", "csmC"), c("csmB", "csmC")] / summary(fit)$dispersion
m <- diag(3) - 1 / 3
show("covariance of centred effects", m %*% v %*% m)

# 2. account and month effects, one treated group after month 4, clustered by CSM
d <- expand.grid(month = 0:7, account = 0:11)
d$csm <- d$account %% 6
d$treated <- as.integer(d$csm < 3 & d$month >= 4)
d$y <- round((1 + d$account %% 4) * exp(0.1 * sin(d$month) - 0.5 * d$treated + 0.4 * cos(3 * d$account + 2 * d$month)), 2)
d$y[d$account == 5 & d$month %% 3 == 0] <- 0
g <- suppressWarnings(glm(y ~ factor(account) + factor(month) + treated, family = quasipoisson, data = d,
                          control = list(epsilon = 1e-14, maxit = 100)))
x <- model.matrix(g); mu <- fitted(g)
bread <- solve(t(x) %*% (x * mu))
s <- rowsum(x * (d$y - mu), d$csm)
se <- sqrt(diag(bread %*% (t(s) %*% s) %*% bread * 6 / 5))
show("y", d$y)
show("did", c(coef(g)["treated"], se[ncol(x)]))
