#include "aead.h"

namespace pqtun {
namespace {

/** Fastest first. */
constexpr struct {
  const char* name;
  AeadOffer (*offer)();
} kEngines[] = {{"multibuffer", offerMultibufferAead}, {"raw", offerRawAead}, {"evp", offerEvpAead}};

}  // namespace

AeadOffer selectAead(const std::string& name) {
  std::string reasons;
  for (const auto& known : kEngines) {
    if (name != known.name && name != "auto") continue;
    const AeadOffer offer = known.offer();
    if (name != "auto") return offer;
    if (offer.engine != nullptr) return {offer.engine, reasons};
    reasons += (reasons.empty() ? "" : "; ") + std::string(known.name) + ": " + offer.reason;
  }
  if (name == "auto") return {nullptr, reasons};
  return {nullptr, "no AEAD engine has this name; there are auto, evp, raw and multibuffer"};
}

}  // namespace pqtun
