// SPDX-License-Identifier: Apache-2.0
// What a user types at the jzse command: sizes, durations, numbers, modes, addresses; and what it prints of hostile names.
#include "fuzz.h"
#include "text.h"

namespace {

using namespace jzse;

void CheckNumbers(std::string_view text) {
  const auto number = cli::ParseNumber(text);
  if (number) {
    fuzz::Require(cli::ParseNumber(std::to_string(*number)) == number, "a number does not come back");
    fuzz::Require(cli::ParseSize(text) == number, "a plain number is another size");
    fuzz::Require(cli::ParseDuration(text) == number, "a plain number is another duration");
  }
  if (const auto size = cli::ParseSize(text)) {
    fuzz::Require(!text.empty(), "a size from nothing");
    fuzz::Require(!cli::HumanSize(*size).empty() && !cli::SizeText(*size).empty(), "a size that has no text");
  }
  if (const auto seconds = cli::ParseDuration(text)) (void)cli::DurationText(static_cast<double>(*seconds));
  if (const auto mode = cli::ParseOctalMode(text))
    fuzz::Require(cli::ParseOctalMode(cli::OctalMode(*mode)) == mode, "a mode does not come back");
}

void CheckAddress(std::string_view text) {
  const cli::Address address = cli::ParseAddress(text);
  if (address.ns_given) fuzz::Require(cli::IsNamespaceName(address.ns), "an address with a namespace that is none");
  const cli::Address again = cli::ParseAddress(cli::FormatAddress(address.ns, address.path));
  fuzz::Require(again.ns == address.ns && again.path == address.path, "an address does not come back");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = fuzz::View(data, size);
  CheckNumbers(text);
  CheckAddress(text);
  const std::string shown = cli::EscapeName(text);
  for (const char c : shown) {
    const auto byte = static_cast<unsigned char>(c);
    fuzz::Require(byte >= 0x20 && byte != 0x7f, "a control character for the terminal");
  }
  fuzz::Require(cli::IsUtf8(shown) && cli::EscapeName(shown) == shown, "escaped text must be escaped again");
  std::string_view why;
  if (cli::IsRefusedName(text, &why)) fuzz::Require(!why.empty(), "refused without a reason");
  (void)cli::ParentPath(text);
  fuzz::Require(cli::BaseName(text).size() <= text.size(), "a base name that is longer than the path");
  if (size >= 8) {
    const auto ns = base::LoadLe<int64_t>(text.data());
    (void)cli::LocalTime(ns);
    fuzz::Require(cli::UtcTime(ns).size() >= 20, "a time without text");
    (void)cli::ModeText(static_cast<uint32_t>(ns) % 5, static_cast<uint32_t>(ns >> 32));
  }
  return 0;
}
