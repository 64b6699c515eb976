#include "aead.h"

namespace pqtun {

AeadOffer selectAead(const std::string& name) {
  if (name == "evp") return offerEvpAead();
  if (name == "raw") return offerRawAead();
  if (name != "auto") return {nullptr, "no AEAD engine has this name; there are auto, evp and raw"};
  AeadOffer raw = offerRawAead();
  if (raw.engine != nullptr) return raw;
  const AeadOffer evp = offerEvpAead();
  return {evp.engine, "raw: " + raw.reason + (evp.engine == nullptr ? "; evp: " + evp.reason : "")};
}

}  // namespace pqtun
