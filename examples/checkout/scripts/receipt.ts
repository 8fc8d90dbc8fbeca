/// <reference path="../mik.d.ts" />
// GET /script/receipt/42       what the cart comes to, as text
// GET /script/receipt/42/json  the cart as the module has it
//
// The form of Cloudflare Workers and their like: what uses Request, Response and `env` alone runs there as
// well. The types are taken off when the script is loaded.

import { money } from "./lib/money.ts";
import shop from "./lib/shop.json";
import type { Handler, ModuleBinding } from "mik";

interface Env {
  /** A module: `env` has all that this script may call. */
  cart: ModuleBinding;
  /** From `[scripts.receipt]` of mik.toml. */
  CURRENCY: string;
}

interface Item {
  name: string;
  quantity: number;
  /** In cents. */
  price: number;
}

export default {
  async fetch(request, env) {
    const [, id = "", form] = new URL(request.url).pathname.split("/");
    const answer = await env.cart.fetch(`/${encodeURIComponent(id)}`);
    // The body streams through. Nothing of it is read here.
    if (!answer.ok || form === "json") return answer;

    const { items } = await answer.json<{ items: Item[] }>();
    const lines = items.map((item) => {
      const sum = money(item.price * item.quantity, env.CURRENCY);
      return `${String(item.quantity).padStart(3)} × ${item.name.padEnd(12)}${sum.padStart(12)}`;
    });
    const total = items.reduce((sum, item) => sum + item.price * item.quantity, 0);
    lines.push(`${"Total".padEnd(18)}${money(total, env.CURRENCY).padStart(12)}`);
    return new Response([shop.name, "", ...lines, "", shop.thanks, ""].join("\n"), {
      headers: { "content-type": "text/plain; charset=utf-8" },
    });
  },
} satisfies Handler<Env>;
