/* Progress on the management pages: of an upload, and of the work on the index. Without it the pages work, and are reloaded by hand. */
const work = document.getElementById("work"), progress = document.getElementById("progress"), form = document.getElementById("upload");

const show = (text, share) => {
  work.textContent = text;
  progress.hidden = false;
  if (share === null) progress.removeAttribute("value");
  else progress.value = share;
};

const follow = async () => {
  for (;;) {
    const response = await fetch("work");
    if (!response.ok) return;
    const { running, done, total, text } = await response.json();
    show(text, total ? (100 * done) / total : null);
    if (!running) {
      // What the page lists has changed.
      location.replace(location.href);
      return;
    }
    await new Promise((go) => { setTimeout(go, 500); });
  }
};

if (work?.hasAttribute("data-running")) follow();

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  const request = new XMLHttpRequest();
  for (const button of document.querySelectorAll("button")) button.disabled = true;
  request.upload.addEventListener("progress", ({ loaded, total }) => show(form.dataset.uploading.replace("{percent}", String(Math.round((100 * loaded) / total))), (100 * loaded) / total));
  request.addEventListener("load", () => {
    for (const button of document.querySelectorAll("button")) button.disabled = false;
    const { problem } = JSON.parse(request.responseText);
    document.querySelector(".problem")?.remove();
    if (!problem) { follow(); return; }
    progress.hidden = true;
    work.textContent = "";
    const said = document.createElement("p");
    said.className = "problem";
    said.setAttribute("role", "alert");
    said.textContent = problem;
    work.after(said);
  });
  request.addEventListener("error", () => location.reload());
  request.open("POST", form.action);
  request.setRequestHeader("accept", "application/json");
  request.send(new FormData(form));
});
