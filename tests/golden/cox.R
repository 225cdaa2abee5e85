# Golden values of tests/test_cox.py: Cox models by R's survival package.
#
#   Rscript tests/golden/cox.R > tests/golden/cox.json
#
# Written with R 4.2.2 and survival 3.5-3. Each case holds its data (start and stop, event, covariates, strata, cluster,
# counts), so that the tests need no R. Counts are frequency weights: R is given each row that many times, because
# its own weights are case weights (they are no counts when deaths are tied).
library(survival)

json <- function(x) {
  if (is.null(x)) return("null")
  if (is.list(x)) {
    parts <- vapply(names(x), function(n) sprintf('"%s": %s', n, json(x[[n]])), "")
    return(paste0("{", paste(parts, collapse = ",\n"), "}"))
  }
  if (is.matrix(x)) return(paste0("[", paste(apply(x, 1, json), collapse = ", "), "]"))
  if (is.factor(x)) x <- as.character(x)
  values <- if (is.character(x)) sprintf('"%s"', x) else format(x, digits = 15, trim = TRUE)
  if (is.numeric(x)) values <- vapply(x, function(v) format(v, digits = 15), "")
  values[is.na(x)] <- "null"
  paste0("[", paste(values, collapse = ", "), "]")
}

case <- function(data, covariates, strata = NULL, cluster = FALSE, late = FALSE, times = NULL) {
  if (is.null(data$count)) data$count <- 1
  full <- data[rep(seq_len(nrow(data)), data$count), ]
  left <- if (late) "Surv(start, stop, event)" else "Surv(stop, event)"
  right <- paste(c(covariates, if (!is.null(strata)) sprintf("strata(%s)", strata)), collapse = " + ")
  formula <- as.formula(paste(left, "~", right))
  control <- coxph.control(eps = 1e-11, iter.max = 60)
  fit <- if (cluster) coxph(formula, full, cluster = id, control = control, x = TRUE)
         else coxph(formula, full, control = control, x = TRUE)
  zph <- cox.zph(fit, terms = FALSE)
  person <- data[c(1, 2), ]
  base <- basehaz(fit, centered = FALSE)
  curve <- survfit(fit, newdata = person, conf.type = "log-log")
  at <- summary(curve, times = times)
  # given survival until the first of the times, until the second (R counts events at start.time itself; days are whole)
  later <- if (is.null(strata)) summary(survfit(fit, newdata = person, conf.type = "log-log", start.time = times[1] + 0.5),
                                        times = times[2])
  plain <- as.formula(paste(left, "~", covariates[1]))
  list(
    data = as.list(data[, c(if (late) "start", "stop", "event", covariates, strata, if (cluster) "id", "count")]),
    covariates = covariates, strata = strata,
    coef = unname(coef(fit)), se = unname(sqrt(diag(vcov(fit)))),
    log_likelihood = fit$loglik[2], concordance = unname(fit$concordance["concordance"]),
    concordance_of_first = unname(concordance(plain, full, reverse = TRUE)$concordance),
    zph = unname(zph$table),
    baseline_time = base$time, baseline = base$hazard, baseline_stratum = if (is.null(strata)) NULL else base$strata,
    times = times,
    surv = if (is.null(strata)) at$surv else NULL,
    surv_low = if (is.null(strata)) at$lower else NULL,
    surv_high = if (is.null(strata)) at$upper else NULL,
    later = c(later$surv), later_low = c(later$lower), later_high = c(later$upper)
  )
}

tidy <- function(data, stop, event) {
  data$stop <- stop
  data$event <- as.integer(event)
  data
}

l <- lung[complete.cases(lung[, c("time", "status", "age", "sex", "ph.ecog")]), ]
l <- tidy(l, l$time, l$status == 2)
names(l)[names(l) == "ph.ecog"] <- "ecog"
months <- l; months$stop <- ceiling(l$time / 30.4375)
counted <- months; counted$count <- (seq_len(nrow(counted)) * 7) %% 4 + 1
grouped <- counted; grouped$id <- seq_len(nrow(grouped))
v <- tidy(veteran, veteran$time, veteran$status == 1)
for (kind in c("smallcell", "adeno", "large")) v[[kind]] <- as.integer(v$celltype == kind)
o <- tidy(ovarian, ovarian$futime, ovarian$fustat == 1)
h <- heart
h$transplant <- as.integer(as.character(h$transplant))
b <- bladder2

cat(json(list(
  lung = case(l, c("age", "sex", "ecog"), times = c(180, 700)),
  lung_strata = case(l, c("age", "ecog"), strata = "sex", times = c(180, 700)),
  lung_months = case(months, c("age", "sex", "ecog"), times = c(6, 20)),
  lung_counts = case(counted, c("age", "sex", "ecog"), times = c(6, 20)),
  lung_counts_strata = case(counted, c("age", "ecog"), strata = "sex", times = c(6, 20)),
  lung_counts_cluster = case(grouped, c("age", "sex", "ecog"), cluster = TRUE, times = c(6, 20)),
  veteran = case(v, c("karno", "age", "smallcell", "adeno", "large"), times = c(30, 200)),
  ovarian = case(o, c("age", "rx", "ecog.ps"), times = c(200, 500)),
  heart = case(h, c("age", "year", "surgery", "transplant"), late = TRUE, times = c(50, 500)),
  heart_cluster = case(h, c("age", "year", "surgery", "transplant"), late = TRUE, cluster = TRUE, times = c(50, 500)),
  heart_strata = case(h, c("age", "year", "transplant"), strata = "surgery", late = TRUE, times = c(50, 500)),
  bladder_strata_cluster = case(b, c("rx", "number", "size"), strata = "enum", cluster = TRUE, late = TRUE,
                                times = c(5, 20))
)), "\n")
