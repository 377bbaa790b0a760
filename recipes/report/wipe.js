for (const wipe of document.querySelectorAll(".wipe")) {
  const panels = wipe.parentElement.querySelectorAll(".panel:not(.maps)");
  const [example, left, right] = wipe.querySelectorAll("select");
  const range = wipe.querySelector("input");
  const [below, above] = wipe.querySelectorAll("img");
  const show = () => {
    const pictures = panels[example.value].querySelectorAll("img");
    below.src = pictures[right.value].src;
    above.src = pictures[left.value].src;
    above.style.clipPath = `inset(0 ${100 - range.value}% 0 0)`;
  };
  wipe.addEventListener("input", show);
  wipe.hidden = false;
  show();
}
