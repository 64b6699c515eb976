// NO ENCRYPTION. Takes the place of aead_select.cc in a copy of the tree that `npm run bench:e2e` builds and throws away, to measure
// what everything but the cipher costs. It lies outside the addon's sources on purpose: no option and no definition can bring it into
// an addon that somebody uses.
#include <cstring>

#include "aead.h"

namespace pqtun {
namespace {

class NullCipher final : public RecordCipher {
 public:
  size_t seal(Record* records, size_t count) override {
    for (size_t i = 0; i < count; i++) {
      std::memset(records[i].text + records[i].length, 0, kTagSize);
      records[i].ok = true;
    }
    return count;
  }

  size_t open(Record* records, size_t count) override {
    for (size_t i = 0; i < count; i++) records[i].ok = true;
    return count;
  }
};

class NullEngine final : public AeadEngine {
 public:
  const char* name() const override { return "none"; }
  std::unique_ptr<RecordCipher> makeCipher(const uint8_t*) const override { return std::make_unique<NullCipher>(); }
};

}  // namespace

/** Whatever was asked for. */
AeadOffer selectAead(const std::string&) {
  static const NullEngine& engine = *new NullEngine();
  return {&engine, ""};
}

}  // namespace pqtun
