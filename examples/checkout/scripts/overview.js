/// <reference path="../mik.d.ts" />
// GET /script/overview?cart=42
//
// Three calls at the same time: the answer takes as long as the slowest of them.

/** @type {import("mik").ScriptFunction} */
export default async function (_, host) {
  const id = host.request.query.cart ?? "42";
  const { cart, levels, methods } = await host.all({
    cart: ["cart", { path: `/${encodeURIComponent(id)}` }],
    levels: ["stock", { path: "/levels" }],
    methods: ["payment", { path: "/methods" }],
  });
  if (!cart.ok) return cart;
  const items = cart.body.items.map(({ sku, name, quantity }) => {
    return { name, quantity, available: quantity <= (levels.body[sku] ?? 0) };
  });
  return { cart: id, items, payment: methods.body };
}
