import type { Scid } from '../base/scid.ts'
import type { Mismatch } from '../lsps1/methods.ts'
import type { CreateExtensionParams, ExtendableChannel } from './schema.ts'

/**
 * Why an extension cannot be had, given the channels of the caller that can be extended; undefined when it can
 * (L7-02, L7-04). A channel of somebody else is as unknown as one that does not exist.
 */
export function checkExtension(
  channels: readonly ExtendableChannel[],
  { short_channel_id, channel_extension_expiry_blocks }: CreateExtensionParams,
): Mismatch | undefined {
  const channel = channels.find((one) => one.short_channel_id === short_channel_id)
  if (channel === undefined) return unknownChannel(short_channel_id)
  const most = channel.max_channel_extension_expiry_blocks
  if (channel_extension_expiry_blocks <= most) return undefined
  return {
    property: 'max_channel_extension_expiry_blocks',
    message: `channel_extension_expiry_blocks: ${channel_extension_expiry_blocks} is more than ${most}`,
  }
}

function unknownChannel(scid: Scid): Mismatch {
  return { property: 'short_channel_id', message: `${scid} is no channel of yours that can be extended` }
}
