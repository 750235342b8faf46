// Stands inside every page, before what is first painted: the theme finds out late that a reader who has chosen nothing wants it dark.
if (!__md_get("__palette")) {
  var wanted = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  var chosen = document.querySelector("[data-md-color-media='(prefers-color-scheme: " + wanted + ")']");
  if (chosen) ["scheme", "primary", "accent"].forEach(function (part) {
    document.body.setAttribute("data-md-color-" + part, chosen.getAttribute("data-md-color-" + part));
  });
}
