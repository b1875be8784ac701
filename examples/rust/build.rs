// SPDX-License-Identifier: Apache-2.0
// Asks pkg-config where libjzse is; no crate is needed for that.
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-env-changed=PKG_CONFIG_PATH");
    let asked = Command::new("pkg-config").args(["--libs", "jzse"]).output().expect("pkg-config does not run");
    assert!(asked.status.success(), "pkg-config: {}", String::from_utf8_lossy(&asked.stderr));
    for word in String::from_utf8(asked.stdout).expect("pkg-config speaks UTF-8").split_whitespace() {
        if let Some(folder) = word.strip_prefix("-L") {
            println!("cargo:rustc-link-search=native={folder}");
        } else if let Some(library) = word.strip_prefix("-l") {
            println!("cargo:rustc-link-lib={library}");
        } else {
            println!("cargo:rustc-link-arg={word}");
        }
    }
}
