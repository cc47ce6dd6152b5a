import { randomBytes } from 'node:crypto'

/** Randomness as a port: `length` unpredictable bytes. Tests pass a seeded one. */
export type Entropy = (length: number) => Uint8Array

/** The operating system's generator. */
export const systemEntropy: Entropy = (length) => new Uint8Array(randomBytes(length))
