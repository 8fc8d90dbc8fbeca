// What can be asked of `env` besides a property: its names, and whether it has one. Nothing of it
// changes.
(function (native) {
  "use strict";

  function traps(variables, get) {
    const isKnown = (name) =>
      typeof name === "string" && (variables[name] !== undefined || native("has_module", name));
    return {
      __proto__: null,
      has: (object, name) => isKnown(name) || name in object,
      ownKeys: () => [...new Set([...Object.keys(variables), ...native("modules")])],
      getOwnPropertyDescriptor: (object, name) =>
        isKnown(name)
          ? { value: get(object, name), enumerable: true, configurable: true, writable: false }
          : undefined,
      set: () => false,
      defineProperty: () => false,
      deleteProperty: () => false,
      preventExtensions: () => false,
      setPrototypeOf: () => false,
    };
  }

  return { __proto__: null, traps };
})
