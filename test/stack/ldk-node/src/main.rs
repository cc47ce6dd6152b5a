//! ldk-node, unmodified, behind a small HTTP interface on 127.0.0.1: `POST /command` with a JSON object, a JSON object
//! back. The first line on standard output is the port. For the test stack only: nothing here authenticates anybody.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::str::FromStr;
use std::sync::{Arc, Mutex};
use std::thread;

use ldk_node::bitcoin::secp256k1::PublicKey;
use ldk_node::bitcoin::Network;
use ldk_node::config::{AnchorChannelsConfig, Config};
use ldk_node::lightning::ln::msgs::SocketAddress;
use ldk_node::lightning_invoice::{Bolt11Invoice, Bolt11InvoiceDescription, Description};
use ldk_node::lightning_liquidity::lsps0::ser::LSPSDateTime;
use ldk_node::lightning_liquidity::lsps1::msgs::LSPS1OrderId;
use ldk_node::lightning_liquidity::lsps5::msgs::WebhookNotification;
use ldk_node::lightning_liquidity::lsps5::validator::LSPS5Validator;
use ldk_node::liquidity::LSPS1OrderStatus;
use ldk_node::logger::LogLevel;
use ldk_node::{Builder, Event, Node};
use serde_json::{json, Value};

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Events = Arc<Mutex<Vec<Value>>>;

const INVOICE_SECONDS: u32 = 3600;

fn main() -> Result<(), Failure> {
    let storage = env("STORAGE")?;
    let lsp = PublicKey::from_str(&env("LSP_NODE_ID")?)?;
    let mut config = Config::default();
    if env("TRUST_LSP")? == "yes" {
        // As wallets that come without coins do: else ldk-node refuses every anchor channel, a JIT channel too.
        let mut anchors = AnchorChannelsConfig::default();
        anchors.trusted_peers_no_reserve.push(lsp);
        config.anchor_channels_config = Some(anchors);
    }
    let mut builder = Builder::from_config(config);
    builder.set_network(Network::Regtest);
    builder.set_storage_dir_path(storage.clone());
    builder.set_filesystem_logger(
        Some(format!("{storage}/ldk-node.log")),
        Some(LogLevel::Debug),
    );
    builder.set_chain_source_bitcoind_rpc(
        "127.0.0.1".to_string(),
        env("BITCOIND_PORT")?.parse()?,
        env("BITCOIND_USER")?,
        env("BITCOIND_PASSWORD")?,
    );
    builder.set_gossip_source_p2p();
    let address = socket_address(&env("LSP_ADDRESS")?)?;
    let token = std::env::var("LDK_NODE_LSP_TOKEN").ok();
    builder.set_liquidity_source_lsps1(lsp, address.clone(), token.clone());
    builder.set_liquidity_source_lsps2(lsp, address, token);
    let node = Arc::new(builder.build()?);
    node.start()?;

    let events: Events = Arc::default();
    let (source, sink) = (Arc::clone(&node), Arc::clone(&events));
    thread::spawn(move || loop {
        let event = source.wait_next_event();
        sink.lock().unwrap().push(describe(&event));
        if source.event_handled().is_err() {
            break;
        }
    });

    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?.port());
    std::io::stdout().flush()?;
    for stream in listener.incoming() {
        let (stream, node, events) = (stream?, Arc::clone(&node), Arc::clone(&events));
        thread::spawn(move || {
            let _ = serve(stream, &node, &events);
        });
    }
    Ok(())
}

fn env(name: &str) -> Result<String, Failure> {
    std::env::var(format!("LDK_NODE_{name}"))
        .map_err(|_| format!("LDK_NODE_{name} is not set").into())
}

fn socket_address(text: &str) -> Result<SocketAddress, Failure> {
    SocketAddress::from_str(text).map_err(|_| format!("not an address: {text}").into())
}

fn serve(stream: TcpStream, node: &Node, events: &Events) -> Result<(), Failure> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let command = first
        .split(' ')
        .nth(1)
        .unwrap_or("/")
        .trim_start_matches('/')
        .to_string();
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let params: Value = if body.is_empty() {
        json!({})
    } else {
        serde_json::from_slice(&body)?
    };
    let (status, answer) = match run(&command, &params, node, events) {
        Ok(answer) => ("200 OK", answer),
        Err(failure) => ("500 Failed", json!({ "error": failure.to_string() })),
    };
    let text = answer.to_string();
    let mut stream = stream;
    write!(
		stream,
		"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
		text.len()
	)?;
    stream.flush()?;
    if command == "stop" {
        std::process::exit(0);
    }
    Ok(())
}

fn run(command: &str, params: &Value, node: &Node, events: &Events) -> Result<Value, Failure> {
    match command {
        "info" => {
            let best = node.status().current_best_block;
            Ok(json!({ "node_id": node.node_id().to_string(), "height": best.height }))
        }
        "address" => Ok(json!({ "address": node.onchain_payment().new_address()?.to_string() })),
        "balances" => {
            let balances = node.list_balances();
            Ok(json!({
                "onchain_sat": balances.spendable_onchain_balance_sats.to_string(),
                "lightning_sat": balances.total_lightning_balance_sats.to_string(),
            }))
        }
        "channels" => {
            Ok(json!({ "channels": node.list_channels().iter().map(channel).collect::<Vec<_>>() }))
        }
        "connect" => {
            let address = socket_address(text(params, "address")?)?;
            let persist = params["persist"].as_bool().unwrap_or(false);
            node.connect(
                PublicKey::from_str(text(params, "node_id")?)?,
                address,
                persist,
            )?;
            Ok(json!({}))
        }
        "receive_jit" => {
            let limit = params["max_fee_msat"]
                .as_str()
                .map(str::parse)
                .transpose()?;
            let payment = node.bolt11_payment();
            let invoice = payment.receive_via_jit_channel(
                amount(params)?,
                &described()?,
                INVOICE_SECONDS,
                limit,
            )?;
            Ok(invoiced(&invoice))
        }
        "receive_jit_variable" => {
            let payment = node.bolt11_payment();
            let invoice = payment.receive_variable_amount_via_jit_channel(
                &described()?,
                INVOICE_SECONDS,
                None,
            )?;
            Ok(invoiced(&invoice))
        }
        "lsps1_request" => {
            let status = node.lsps1_liquidity().request_channel(
                text(params, "lsp_balance_sat")?.parse()?,
                text(params, "client_balance_sat")?.parse()?,
                params["channel_expiry_blocks"]
                    .as_u64()
                    .and_then(|blocks| blocks.try_into().ok())
                    .ok_or("channel_expiry_blocks is missing")?,
                params["announce_channel"].as_bool().unwrap_or(false),
            )?;
            ordered(&status)
        }
        "lsps1_status" => {
            let id = LSPS1OrderId(text(params, "order_id")?.to_string());
            ordered(&node.lsps1_liquidity().check_order_status(id)?)
        }
        "receive" => {
            let invoice =
                node.bolt11_payment()
                    .receive(amount(params)?, &described()?, INVOICE_SECONDS)?;
            Ok(invoiced(&invoice))
        }
        "send" => {
            let invoice = Bolt11Invoice::from_str(text(params, "invoice")?)
                .map_err(|error| error.to_string())?;
            node.bolt11_payment().send(&invoice, None)?;
            Ok(json!({ "payment_hash": invoice.payment_hash().to_string() }))
        }
        "verify_notification" => verified(params),
        "sync" => {
            node.sync_wallets()?;
            Ok(json!({}))
        }
        "events" => {
            let after = params["after"].as_u64().unwrap_or(0) as usize;
            let all = events.lock().unwrap();
            Ok(json!({ "events": all.iter().skip(after).collect::<Vec<_>>() }))
        }
        "stop" => {
            node.stop()?;
            Ok(json!({}))
        }
        _ => Err(format!("unknown command {command}").into()),
    }
}

fn text<'a>(params: &'a Value, name: &str) -> Result<&'a str, Failure> {
    params[name]
        .as_str()
        .ok_or_else(|| format!("{name} is missing").into())
}

/// Amounts travel as decimal strings: they are 64-bit.
fn amount(params: &Value) -> Result<u64, Failure> {
    Ok(text(params, "amount_msat")?.parse()?)
}

fn described() -> Result<Bolt11InvoiceDescription, Failure> {
    Ok(Bolt11InvoiceDescription::Direct(
        Description::new("ldk-node".to_string()).map_err(|error| error.to_string())?,
    ))
}

fn invoiced(invoice: &Bolt11Invoice) -> Value {
    json!({ "invoice": invoice.to_string(), "payment_hash": invoice.payment_hash().to_string() })
}

/// What LDK says of a call of a webhook (LSPS5), as a relay that is built on it would hear it.
fn verified(params: &Value) -> Result<Value, Failure> {
    let timestamp = LSPSDateTime::from_str(text(params, "timestamp")?).map_err(|()| "no time")?;
    let notification: WebhookNotification = serde_json::from_str(text(params, "body")?)?;
    let verdict = LSPS5Validator::new().validate(
        PublicKey::from_str(text(params, "lsp")?)?,
        &timestamp,
        text(params, "signature")?,
        &notification,
    );
    Ok(json!({ "refused": verdict.err().map(|refusal| format!("{refusal:?}")) }))
}

/// An order as ldk-node understood it, in the form of LSPS1.
fn ordered(status: &LSPS1OrderStatus) -> Result<Value, Failure> {
    Ok(json!({
        "order_id": status.order_id.0,
        "order_params": serde_json::to_value(&status.order_params)?,
        "payment": serde_json::to_value(&status.payment_options)?,
        "channel": serde_json::to_value(&status.channel_state)?,
    }))
}

fn channel(channel: &ldk_node::ChannelDetails) -> Value {
    json!({
        "node_id": channel.counterparty_node_id.to_string(),
        "outpoint": channel.funding_txo.map(|outpoint| outpoint.to_string()),
        "ready": channel.is_channel_ready,
        "usable": channel.is_usable,
        "sat": channel.channel_value_sats.to_string(),
        "inbound_msat": channel.inbound_capacity_msat.to_string(),
        "outbound_msat": channel.outbound_capacity_msat.to_string(),
        "reserve_sat": channel.unspendable_punishment_reserve.unwrap_or(0).to_string(),
        "their_reserve_sat": channel.counterparty_unspendable_punishment_reserve.to_string(),
    })
}

fn describe(event: &Event) -> Value {
    match event {
        Event::PaymentReceived {
            payment_hash,
            amount_msat,
            ..
        } => {
            json!({ "type": "payment_received", "payment_hash": payment_hash.to_string(), "amount_msat": amount_msat.to_string() })
        }
        Event::PaymentSuccessful {
            payment_hash,
            fee_paid_msat,
            ..
        } => {
            json!({ "type": "payment_successful", "payment_hash": payment_hash.to_string(), "fee_msat": fee_paid_msat.map(|fee| fee.to_string()) })
        }
        Event::PaymentFailed {
            payment_hash,
            reason,
            ..
        } => {
            json!({ "type": "payment_failed", "payment_hash": payment_hash.map(|hash| hash.to_string()), "reason": format!("{reason:?}") })
        }
        Event::ChannelPending { funding_txo, .. } => {
            json!({ "type": "channel_pending", "outpoint": funding_txo.to_string() })
        }
        Event::ChannelReady { .. } => json!({ "type": "channel_ready" }),
        Event::ChannelClosed { reason, .. } => {
            json!({ "type": "channel_closed", "reason": format!("{reason:?}") })
        }
        other => json!({ "type": "other", "text": format!("{other:?}") }),
    }
}
