# Independent recipe for tests/golden/survival.json: `Rscript tests/golden/survival.R` writes it, data included, so that
# the tests need no R. R 4, package survival 3; values are printed with 17 digits.
# What R has is R's own; what it has not is written out here from the definition, and held against R where they overlap:
#   quantiles   the first time at which S <= q (R takes the middle of a flat piece that is exactly q; and with late entry
#               limits may fall and rise again, where R takes another crossing): held against R elsewhere
#   log-rank    survdiff knows no late entry: sums over risk sets, held against survdiff without entry, and with entry
#               against the score test of coxph(ties = "exact"), whose variance is the same hypergeometric one
#               (ties = "breslow" has another variance at ties and would not do)
#   incidence   survfit's standard error is the infinitesimal jackknife; without entry that is the multinomial delta
#               method written out here, with entry the two differ and the latter is taken
library(survival)
options(warn = 2)

# ---- JSON by hand: base R has none
number <- function(x) ifelse(is.na(x) | is.infinite(x), "null", formatC(x, digits = 17, format = "g", width = 1))
json <- function(x) {
  if (is.list(x)) {
    inner <- vapply(x, json, "")
    if (is.null(names(x))) return(paste0("[", paste(inner, collapse = ",\n"), "]"))
    return(paste0("{", paste0('"', names(x), '": ', inner, collapse = ",\n"), "}"))
  }
  text <- if (is.character(x)) paste0('"', x, '"') else number(as.numeric(x))
  if (inherits(x, "scalar")) text else paste0("[", paste(text, collapse = ", "), "]")
}
one <- function(x) structure(x, class = "scalar")

# ---- data
lung <- survival::lung[complete.cases(survival::lung$ph.ecog), ]
cases <- list(
  lung = with(lung, list(time = time, status = status - 1, sex = sex, ecog = ph.ecog)),
  veteran = with(veteran, list(time = time, status = status, cell = as.character(celltype), trt = trt)),
  ovarian = with(ovarian, list(time = futime, status = fustat, rx = rx)),
  heart = with(heart, list(entry = start, time = stop, status = event, transplant = as.numeric(transplant) - 1)),
  # the first 400 of mgus2: progression (1) or death (2) in whole months, many ties
  mgus = with(mgus2[1:400, ], {
    time <- ifelse(pstat == 1, ptime, futime)
    list(time = time, cause = ifelse(pstat == 1, 1, 2 * death), entry = ifelse(seq_along(time) %% 3 == 0, floor(time / 3), 0))
  })
)
cases$lung$entry <- with(cases$lung, ifelse(seq_along(time) %% 3 == 0, floor(time / 4), 0)) # made up: a third comes late
cases$lung$count <- cases$lung$ecog + 1                                                     # made up: counts of equal rows
cases$lung$part <- round(0.5 + (seq_along(cases$lung$time) * 0.618034) %% 1, 6)             # made up: weights that are no counts
stopifnot(all(cases$mgus$time > cases$mgus$entry), all(cases$lung$time > cases$lung$entry))

surv <- function(d, late) if (late) Surv(d$entry, d$time, d$status) else Surv(d$time, d$status)

# ---- curves, quantiles and restricted means of every group
curve <- function(data, group = NULL, weight = NULL, late = FALSE, taus = NULL) {
  d <- cases[[data]]
  labels <- if (is.null(group)) rep("", length(d$time)) else as.character(d[[group]])
  w <- if (is.null(weight)) rep(1, length(d$time)) else d[[weight]]
  groups <- lapply(sort(unique(labels)), function(label) {
    i <- labels == label
    y <- surv(d, late)[i]; wi <- w[i]
    fit <- survfit(y ~ 1, weights = wi, conf.type = "log-log", robust = FALSE)
    below <- function(x, q) { t <- fit$time[!is.na(x) & x <= q + 1e-9]; if (length(t)) t[1] else NA }
    probabilities <- c(0.25, 0.5, 0.8)
    quantiles <- lapply(probabilities, function(q) c(q, below(fit$surv, q), below(fit$lower, q), below(fit$upper, q)))
    for (k in seq_along(probabilities)) if (!late && !any(abs(fit$surv - probabilities[k]) < 1e-9)) {
      r <- unlist(quantile(fit, 1 - probabilities[k]))
      stopifnot(identical(unname(is.na(r)), is.na(quantiles[[k]][-1])), all(abs(r - quantiles[[k]][-1]) < 1e-9, na.rm = TRUE))
    }
    means <- lapply(taus, function(tau) { # definitions.md, section 3
      v <- fit$time < tau & fit$n.event > 0
      area <- function(from) {
        edges <- c(from, fit$time[fit$time > from & fit$time < tau], tau)
        s <- c(1, fit$surv)[findInterval(edges[-length(edges)], fit$time) + 1]
        sum(diff(edges) * s)
      }
      a <- vapply(fit$time[v], area, 0)
      n <- fit$n.risk[v]; e <- fit$n.event[v]
      se <- sqrt(sum(ifelse(n > e, a^2 * e / (n * (n - e)), 0)))
      r <- summary(fit, rmean = tau)$table[c("rmean", "se(rmean)")]
      if (!is.null(weight) && weight == "part") r[2] <- se
      stopifnot(all(abs(c(area(0), se) - r) < 1e-6 * tau))
      c(tau, area(0), se)
    })
    se <- fit$surv * fit$std.err # survfit keeps the error of log S
    list(group = one(label), time = fit$time, at_risk = fit$n.risk, events = fit$n.event, estimate = fit$surv,
         std_error = ifelse(is.finite(se), se, NA), low = fit$lower, high = fit$upper, quantiles = quantiles, rmst = means)
  })
  list(data = one(data), group = one(if (is.null(group)) "" else group), weight = one(if (is.null(weight)) "" else weight),
       late = one(as.numeric(late)), groups = groups)
}

# ---- log-rank
logrank <- function(data, group, strata = NULL, weight = NULL, late = FALSE) {
  d <- cases[[data]]
  n <- length(d$time)
  count <- if (is.null(weight)) rep(1, n) else d[[weight]]
  i <- rep(seq_len(n), count) # counts as repeated rows: survdiff takes no weights
  entry <- if (late) d$entry[i] else rep(-1, length(i))
  time <- d$time[i]; status <- d$status[i]; g <- factor(d[[group]][i])
  s <- if (is.null(strata)) rep(1, length(i)) else d[[strata]][i]
  k <- nlevels(g)
  u <- numeric(k); e <- numeric(k); v <- matrix(0, k, k)
  for (layer in unique(s)) for (t in sort(unique(time[status == 1 & s == layer]))) {
    risk <- s == layer & entry < t & t <= time
    ng <- as.numeric(table(g[risk])); dead <- as.numeric(table(g[risk & time == t & status == 1]))
    nn <- sum(ng); dd <- sum(dead)
    u <- u + dead - dd * ng / nn; e <- e + dd * ng / nn
    if (nn > 1) v <- v + dd * (nn - dd) / (nn - 1) * (diag(ng / nn) - outer(ng, ng) / nn^2)
  }
  keep <- which(e > 0)[-1]
  statistic <- as.numeric(u[keep] %*% solve(v[keep, keep], u[keep]))
  if (!late) {
    r <- if (is.null(strata)) survdiff(Surv(time, status) ~ g) else survdiff(Surv(time, status) ~ g + strata(s))
    stopifnot(abs(r$chisq - statistic) < 1e-9)
  }
  if (late && is.null(weight)) { # repeated rows tie too many for "exact" to end
    score <- suppressWarnings(coxph(Surv(entry, time, status) ~ g + strata(s), ties = "exact", iter.max = 0))$score
    stopifnot(abs(score - statistic) < 1e-6)
  }
  list(data = one(data), group = one(group), strata = one(if (is.null(strata)) "" else strata),
       weight = one(if (is.null(weight)) "" else weight), late = one(as.numeric(late)),
       result = c(statistic, length(keep), pchisq(statistic, length(keep), lower.tail = FALSE)))
}

# ---- Aalen-Johansen
incidence <- function(data, late = FALSE) {
  d <- cases[[data]]
  id <- seq_along(d$time)
  state <- factor(d$cause, 0:2, c("censored", "1", "2"))
  y <- if (late) Surv(d$entry, d$time, state) else Surv(d$time, state)
  fit <- survfit(y ~ 1, id = id, conf.type = "log-log")
  entry <- if (late) d$entry else rep(-1, length(id))
  times <- sort(unique(d$time))
  n <- vapply(times, function(t) sum(entry < t & t <= d$time), 0)
  lost <- vapply(1:2, function(k) vapply(times, function(t) sum(d$time == t & d$cause == k), 0), times)
  p <- rowSums(lost) / n
  before <- c(1, cumprod(1 - p))[seq_along(times)]
  causes <- lapply(1:2, function(k) {
    pk <- lost[, k] / n
    f <- cumsum(before * pk)
    variance <- vapply(seq_along(times), function(j) { # one square per time, not opened
      i <- seq_len(j); b <- before[i]; rest <- ifelse(p[i] < 1, (f[j] - f[i]) / (1 - p[i]), 0)
      sum((b^2 * pk[i] * (1 - pk[i]) - 2 * b * rest * pk[i] * (1 - p[i]) + rest^2 * p[i] * (1 - p[i])) / n[i])
    }, 0)
    ours <- match(times, fit$time)
    r <- fit$pstate[ours, k + 1]
    stopifnot(all(abs(r - f) < 1e-12))
    half <- qnorm(0.975) * sqrt(variance) / (f * log(f))
    low <- exp(-exp(log(-log(f)) - half)); high <- exp(-exp(log(-log(f)) + half))
    if (!late) stopifnot(all(abs(fit$std.err[ours, k + 1] - sqrt(variance)) < 1e-9),
                         all(abs(fit$lower[ours, k + 1] - low)[f > 0] < 1e-9), all(abs(fit$upper[ours, k + 1] - high)[f > 0] < 1e-9))
    list(cause = one(k), estimate = r, low = ifelse(f > 0, low, NA), high = ifelse(f > 0, high, NA))
  })
  list(data = one(data), late = one(as.numeric(late)), time = times, at_risk = n, causes = causes)
}

out <- list(
  obtained = one(paste0("Rscript tests/golden/survival.R, ", R.version.string, ", survival ", packageVersion("survival"))),
  data = cases,
  curves = list(
    curve("lung", "sex", taus = c(200, 365.25, 965)), curve("lung", "sex", weight = "count", taus = 500),
    curve("lung", weight = "part", taus = 500), curve("lung", "ecog", late = TRUE, taus = 200),
    curve("veteran", taus = c(100, 999)), curve("veteran", "cell", taus = 150), curve("ovarian", "rx", taus = c(500, 700)),
    curve("heart", late = TRUE, taus = c(100, 1000)), curve("heart", "transplant", late = TRUE, taus = 300)),
  logrank = list(
    logrank("lung", "sex"), logrank("lung", "ecog"), logrank("lung", "sex", strata = "ecog"),
    logrank("lung", "sex", weight = "count"), logrank("lung", "ecog", late = TRUE),
    logrank("lung", "ecog", strata = "sex", weight = "count", late = TRUE), logrank("veteran", "cell"),
    logrank("veteran", "cell", strata = "trt"), logrank("ovarian", "rx"), logrank("heart", "transplant", late = TRUE)),
  incidence = list(incidence("mgus"), incidence("mgus", late = TRUE)),
  holm = list(p = c(0.01, 0.04, 0.03, 0.005, 0.2, 0.01), adjusted = p.adjust(c(0.01, 0.04, 0.03, 0.005, 0.2, 0.01), "holm"))
)
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))
writeLines(json(out), file.path(here, "survival.json"))
