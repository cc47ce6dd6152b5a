import { styleText } from 'node:util'
import { type Paint, plain } from './format.ts'

type Environment = { readonly NO_COLOR?: string | undefined; readonly TERM?: string | undefined }

/** Colours for people who look at a terminal and did not ask for none (https://no-color.org). */
export function paintFor(stream: { readonly isTTY?: boolean }, env: Environment): Paint {
  const wanted = stream.isTTY === true && env.TERM !== 'dumb' && (env.NO_COLOR ?? '') === ''
  // The stream was looked at here: later Nodes would look at stdout again.
  return wanted ? (style, text) => styleText(style, text, { validateStream: false }) : plain
}
