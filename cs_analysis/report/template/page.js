(function () {
  "use strict";
  var button = document.getElementById("unfold");
  if (button) {
    button.hidden = false;
    button.addEventListener("click", function () {
      var open = button.getAttribute("aria-pressed") !== "true";
      document.querySelectorAll("details.code").forEach(function (d) { d.open = open; });
      button.setAttribute("aria-pressed", String(open));
    });
  }
  var links = {};
  document.querySelectorAll(".contents a[href^='#']").forEach(function (a) { links[a.hash.slice(1)] = a; });
  if (!("IntersectionObserver" in window)) { return; }
  var seen = new IntersectionObserver(function (entries) {
    entries.forEach(function (entry) {
      if (!entry.isIntersecting || !links[entry.target.id]) { return; }
      Object.keys(links).forEach(function (id) { links[id].removeAttribute("aria-current"); });
      links[entry.target.id].setAttribute("aria-current", "true");
    });
  }, { rootMargin: "0px 0px -70% 0px" });
  document.querySelectorAll("main h2[id]").forEach(function (h) { seen.observe(h); });
})();
