// Gives a record's address to what the device shares with, else to the clipboard; without script the mail link does it.
for (const button of document.querySelectorAll("button[data-share]")) {
  const { share: url, title, done } = button.dataset;
  if (!navigator.share && !navigator.clipboard) continue; // neither exists outside https and loopback
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      if (navigator.share) return await navigator.share({ title, url });
    } catch (error) {
      if (error.name === "AbortError") return;
    }
    await navigator.clipboard.writeText(url);
    button.parentElement.querySelector("[role=status]").textContent = done;
  });
}
