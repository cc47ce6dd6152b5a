fn main() { let _ = ldk_node::Builder::new(); }
