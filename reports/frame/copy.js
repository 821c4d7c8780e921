// Commands are copied by the button behind them.
document.querySelectorAll(".copy").forEach(button => button.addEventListener("click", async () => {
  const command = button.previousElementSibling;
  try {
    await navigator.clipboard.writeText(command.textContent);
    button.textContent = "Copied";
  } catch { // a page from disk may be refused: then it is selected, for the keyboard
    getSelection().selectAllChildren(command);
    button.textContent = "Selected";
  }
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
}));
