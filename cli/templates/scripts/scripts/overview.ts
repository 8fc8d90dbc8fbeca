// GET /script/overview?user=42
//
// One answer of two modules, which are asked at the same time. They are components: put them into modules/ as
// orders.wasm and users.wasm, and they are found without a restart.

import type { Host } from "mik";

export default async function (_: unknown, host: Host) {
  const user = encodeURIComponent(host.request.query.user ?? "42");
  try {
    const { orders, profile } = await host.all({
      orders: ["orders", { path: `/?user=${user}` }],
      profile: ["users", { path: `/${user}` }],
    });
    // A status is no error: what a module answered can be handed on.
    if (!profile.ok) return profile;
    return { profile: profile.body, orders: orders.ok ? orders.body : [], currency: host.env.CURRENCY };
  } catch (error) {
    if (error instanceof CallError && error.code === "MODULE_NOT_FOUND") {
      return { status: 503, body: { error: "there are no modules/orders.wasm and modules/users.wasm yet" } };
    }
    throw error;
  }
}
