// `DOMException`: the errors of web standards that have a name and no class of their own.
(function (native, shared) {
  "use strict";

  // The names that have a code, and the constants that came before the names, both at their code.
  const NAMES =
    " IndexSize  HierarchyRequest WrongDocument InvalidCharacter  NoModificationAllowed " +
    "NotFound NotSupported InUseAttribute InvalidState Syntax InvalidModification Namespace " +
    "InvalidAccess  TypeMismatch Security Network Abort URLMismatch QuotaExceeded Timeout " +
    "InvalidNodeType DataClone";
  const CONSTANTS =
    " INDEX_SIZE DOMSTRING_SIZE HIERARCHY_REQUEST WRONG_DOCUMENT INVALID_CHARACTER " +
    "NO_DATA_ALLOWED NO_MODIFICATION_ALLOWED NOT_FOUND NOT_SUPPORTED INUSE_ATTRIBUTE " +
    "INVALID_STATE SYNTAX INVALID_MODIFICATION NAMESPACE INVALID_ACCESS VALIDATION " +
    "TYPE_MISMATCH SECURITY NETWORK ABORT URL_MISMATCH QUOTA_EXCEEDED TIMEOUT " +
    "INVALID_NODE_TYPE DATA_CLONE";

  const stems = NAMES.split(" ");

  class DOMException extends Error {
    #name;

    constructor(message = "", name = "Error") {
      super(`${message}`);
      this.#name = `${name}`;
    }

    get name() {
      return this.#name;
    }

    get code() {
      const stem = this.#name.endsWith("Error") ? this.#name.slice(0, -"Error".length) : "";
      return stem === "" ? 0 : Math.max(0, stems.indexOf(stem));
    }
  }

  CONSTANTS.split(" ").forEach((constant, code) => {
    if (constant === "") return;
    const property = { value: code, enumerable: true };
    Object.defineProperty(DOMException, `${constant}_ERR`, property);
    Object.defineProperty(DOMException.prototype, `${constant}_ERR`, property);
  });

  shared.tag(DOMException, "DOMException");

  return { __proto__: null, DOMException };
})
