// Below a folder of scripts/ lies what scripts import. It is not served by itself.

export function greeting(name = "mik"): string {
  return `Hello from ${name}!`;
}
