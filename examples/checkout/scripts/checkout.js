/// <reference path="../mik.d.ts" />
// POST /script/checkout with { "cart": "42", "card": "visa" }
//
// One call after the other, as each needs what the one before it gave. What was put aside is given back
// when it cannot be paid.

/** @type {import("mik").ScriptFunction} */
export default async function (input, host) {
  if (host.request.method !== "POST") {
    return { status: 405, headers: { allow: "POST" }, body: { error: "method" } };
  }
  if (typeof input?.cart !== "string" || typeof input.card !== "string") {
    return { status: 400, body: { error: "no-cart-or-no-card" } };
  }

  const cart = await host.call("cart", { path: `/${encodeURIComponent(input.cart)}` });
  // What a call gives is an answer, too: its status and its body go on to the client.
  if (!cart.ok) return cart;
  const { items } = cart.body;
  const amount = items.reduce((sum, item) => sum + item.price * item.quantity, 0);

  const reservation = await host.call("stock", { path: "/reservations", body: { items } });
  if (!reservation.ok) return reservation;

  try {
    const { CURRENCY: currency } = host.env;
    const charge = await host.call("payment", {
      path: "/charges",
      body: { amount, currency, card: input.card },
      timeout: 2000,
    });
    if (charge.ok) {
      const order = { cart: input.cart, reservation: reservation.body.id, charge: charge.body.id };
      return { status: 201, body: { ...order, amount, currency } };
    }
    await release(reservation.body.id, host);
    return charge;
  } catch (error) {
    // The module said nothing: it is overloaded, too slow, or its circuit is open.
    console.warn(`no payment for cart ${input.cart}: ${error.code ?? error}`);
    await release(reservation.body.id, host);
    return { status: 503, headers: { "retry-after": "5" }, body: { error: "try-again" } };
  }
}

function release(reservation, host) {
  return host.call("stock", { method: "DELETE", path: `/reservations/${reservation}` });
}
