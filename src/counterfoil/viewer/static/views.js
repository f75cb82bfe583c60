// Saved views: searches under names. They are kept in this browser, by access key, and not on the
// server: a search may name a person, and what names people must be where erasure can reach it.

import { icon, make, text } from "./text.js";

class Views extends HTMLElement {
  connectedCallback() {
    this.place = `counterfoil.views.${this.dataset.key}`;
    this.draw();
  }

  get views() {
    try {
      return JSON.parse(localStorage.getItem(this.place)) ?? [];
    } catch {
      return [];
    }
  }

  set views(views) {
    localStorage.setItem(this.place, JSON.stringify(views));
    this.draw(true);
  }

  draw(open = false) {
    const views = this.views;
    const summary = make("summary", "quiet", icon("star"), text("views"));
    const list = make("ul", "");
    for (const view of views) {
      const link = make("a", "", view.name);
      link.href = `/?${new URLSearchParams({ q: view.search })}`;
      const drop = make("button", "tool", icon("close"));
      drop.type = "button";
      drop.setAttribute("aria-label", text("views_delete", { name: view.name }));
      drop.addEventListener("click", () => (this.views = this.views.filter((one) => one.name !== view.name)));
      list.append(make("li", "", link, drop));
    }
    const input = make("input");
    input.required = true;
    input.maxLength = 60;
    input.setAttribute("aria-label", text("views_name"));
    input.placeholder = text("views_name");
    const form = make("form", "", make("p", "quiet", text("views_save")), input, make("button", "button", text("views_keep")));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const kept = this.views.filter((one) => one.name !== input.value);
      this.views = [...kept, { name: input.value, search: this.dataset.search }];
    });
    const rest = views.length ? list : make("p", "quiet", text("views_none"));
    const pop = make("div", "pop", rest);
    if (this.dataset.search) pop.append(form);
    const menu = make("details", "menu", summary, pop);
    menu.open = open;
    this.replaceChildren(menu);
  }
}

customElements.define("counterfoil-views", Views);
