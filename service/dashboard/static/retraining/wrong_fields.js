// Marks the fields of a form whose values are wrong, and says below them why.

/** Remove all marks. @param {HTMLElement} form */
export function clearMarks(form) {
  for (const each of form.querySelectorAll("[aria-invalid]")) unmark(each);
}

/** Mark a field, and go to it. @param {HTMLElement} field @param {string} text what is wrong */
export function mark(field, text) {
  unmark(field);
  const reason = document.createElement("small");
  reason.id = `wrong-${field.id}`;
  reason.className = "wrong";
  reason.textContent = text;
  field.after(reason);
  field.setAttribute("aria-invalid", "true");
  field.dataset.describedBy = field.getAttribute("aria-describedby") ?? "";
  field.setAttribute("aria-describedby", `${reason.id} ${field.dataset.describedBy}`.trim());
  field.addEventListener("input", () => unmark(field), { once: true });
  for (let fold = field.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  field.focus();
}

function unmark(field) {
  document.getElementById(`wrong-${field.id}`)?.remove();
  if (field.dataset.describedBy) field.setAttribute("aria-describedby", field.dataset.describedBy);
  else if (field.dataset.describedBy === "") field.removeAttribute("aria-describedby");
  delete field.dataset.describedBy;
  field.removeAttribute("aria-invalid");
}
