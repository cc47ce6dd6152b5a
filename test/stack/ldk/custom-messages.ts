import * as ldk from 'lightningdevkit'
import { hex } from './runtime.ts'

/** BOLT8 message type of LSPS0. */
export const LSPS_MESSAGE_TYPE = 37_913

export type CustomMessageIn = { readonly nodeId: string; readonly payload: Uint8Array }

/**
 * LSPS messages in and out of LDK's peer manager. LDK calls in here while it holds its locks: nothing is handed on
 * before `take`, nothing throws.
 */
export class CustomMessages {
  readonly handler: ldk.CustomMessageHandler
  /** Peers whose `init` has come. */
  readonly connected = new Set<string>()
  #inbox: CustomMessageIn[] = []
  #outbox: { readonly nodeId: Uint8Array; readonly payload: Uint8Array }[] = []
  /** WASM knows these objects only by weak reference: they live here until LDK has used them. */
  #lent: unknown[] = []

  constructor() {
    this.handler = ldk.CustomMessageHandler.new_impl(
      {
        handle_custom_message: (message, sender) => {
          this.#inbox.push({ nodeId: hex(sender), payload: message.write() })
          return ldk.Result_NoneLightningErrorZ.constructor_ok()
        },
        get_and_clear_pending_msg: () => {
          const messages = this.#outbox
          this.#outbox = []
          return messages.map(({ nodeId, payload }) =>
            ldk.TwoTuple_PublicKeyTypeZ.constructor_new(nodeId, this.#lend(payload)),
          )
        },
        peer_connected: (nodeId) => {
          this.connected.add(hex(nodeId))
          return ldk.Result_NoneNoneZ.constructor_ok()
        },
        peer_disconnected: (nodeId) => {
          this.connected.delete(hex(nodeId))
        },
        provided_node_features: () => ldk.NodeFeatures.constructor_empty(),
        provided_init_features: () => ldk.InitFeatures.constructor_empty(),
      },
      {
        read: (type, bytes) =>
          ldk.Result_COption_TypeZDecodeErrorZ.constructor_ok(
            type === LSPS_MESSAGE_TYPE
              ? ldk.Option_TypeZ.constructor_some(this.#lend(bytes))
              : ldk.Option_TypeZ.constructor_none(),
          ),
      },
    )
  }

  #lend(payload: Uint8Array): ldk.Type {
    const message = ldk.Type.new_impl({
      type_id: () => LSPS_MESSAGE_TYPE,
      debug_str: () => `LSPS message of ${payload.length} bytes`,
      write: () => payload,
    })
    this.#lent.push(message)
    return message
  }

  queue(nodeId: string, payload: Uint8Array): void {
    this.#outbox.push({ nodeId: Uint8Array.from(Buffer.from(nodeId, 'hex')), payload })
  }

  /** What came in since the last call. Only outside of LDK's own calls: lent messages are dropped here. */
  take(): readonly CustomMessageIn[] {
    const messages = this.#inbox
    this.#inbox = []
    this.#lent = []
    return messages
  }
}
