import { changedField, changeOfPayment, type ImpossibleChange } from '../lsps1/changes.ts'
import type { ExtensionResult } from './schema.ts'

/** The first thing in an extension that no honest LSP says after what it said before; undefined when all may be. */
export function impossibleExtensionChange(
  before: ExtensionResult,
  after: ExtensionResult,
): ImpossibleChange | undefined {
  return changeOfPayment(before, after) ?? changedField(orderedIn(before), orderedIn(after)) ?? shorter(before, after)
}

function orderedIn({ short_channel_id, channel_extension_expiry_blocks }: ExtensionResult) {
  return { short_channel_id, channel_extension_expiry_blocks }
}

/** The height that was agreed on may rise, with another extension of the channel, and never falls (L7-08). */
function shorter(before: ExtensionResult, after: ExtensionResult): ImpossibleChange | undefined {
  const [from, to] = [before.new_channel_expiry_blocks, after.new_channel_expiry_blocks]
  return to >= from ? undefined : { what: 'new_channel_expiry_blocks', before: `${from}`, after: `${to}` }
}
