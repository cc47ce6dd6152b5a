/** Why nothing is sold now, with the numbers, and what the operator can do. `code` is a constant name in kebab-case. */
export type Stop = { readonly code: string; readonly what: string; readonly fix: string }
