// Stands inside every page with something to press, in words that each browser knows: says so where ours did not come or could not be read.
addEventListener("load", function () {
  var dead = document.querySelector("tcp-lab, tcp-code, tcp-machine, tcp-pkt");
  if (!dead || (window.customElements && customElements.get(dead.localName))) return;
  var note = document.createElement("p");
  note.className = "lab-noscript";
  note.setAttribute("role", "alert");
  note.textContent = "The buttons here do not work: their script did not come, or this browser is too old for it. What this page has to say stands on it in words and pictures.";
  dead.parentNode.insertBefore(note, dead);
  var theme = document.querySelector("script[nomodule]");
  if (theme && theme.noModule) document.body.appendChild(document.createElement("script")).src = theme.getAttribute("src");
});
