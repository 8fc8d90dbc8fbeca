/** An amount of cents as people write it. */
export function money(cents: number, currency: string): string {
  const whole = Math.trunc(cents / 100);
  const rest = String(cents % 100).padStart(2, "0");
  return `${whole}.${rest} ${currency}`;
}
