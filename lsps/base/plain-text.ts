import * as z from 'zod'

/** Text that may be stored: the escape of a zero character passes JSON but not this (L0-06). */
export const PlainText = z.string().refine((text) => !text.includes('\0'), 'contains a zero character')
