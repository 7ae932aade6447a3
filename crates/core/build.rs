//! The pages are embedded from `web/dist`: the crate is built again when they are.

fn main() {
    let dist = std::path::Path::new("../../web/dist");
    // Cargo builds again each time if what it watches is not there. Where it cannot be made (a read-only source), so be it.
    let _ = std::fs::create_dir_all(dist);
    println!("cargo::rerun-if-changed={}", dist.display());
}
