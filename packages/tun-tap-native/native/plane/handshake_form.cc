#include "handshake_form.h"

#include "little_endian.h"

namespace pqtun {
namespace {

struct SuiteForm {
  uint8_t minFragments;
  uint8_t maxFragments;
  uint32_t initiationBody;
  uint32_t responseBody;
};

/** protocol.md §3.2: E ‖ ek_i ‖ ct1x ‖ enc_id ‖ enc_ts, and E ‖ ct2 ‖ ct3x ‖ enc_0. */
constexpr SuiteForm suiteForm(uint8_t minFragments, uint8_t maxFragments, uint32_t kemPublic, uint32_t kemCiphertext) {
  return {minFragments, maxFragments, 32 + kemPublic + kemCiphertext + (32 + 16) + (12 + 16), 32 + 2 * kemCiphertext + 16};
}

constexpr SuiteForm kForms[kSuites] = {suiteForm(2, 6, 1184, 1088), suiteForm(3, 7, 1568, 1568)};
static_assert(kForms[0].initiationBody == 2380 && kForms[1].initiationBody == 3244, "protocol.md §3.2");
static_assert(kForms[0].responseBody == 2224 && kForms[1].responseBody == 3184, "protocol.md §3.2");

constexpr size_t kInitiationHeader = 8;
constexpr size_t kResponseHeader = 12;
constexpr size_t kClassicalInitiationSize = 148;
constexpr size_t kClassicalResponseSize = 92;

/** §3.1: type, suite and count fix one length for each index. */
bool isLegalSlice(const SuiteForm& form, uint32_t bodyLength, uint8_t count, uint8_t index, size_t length) {
  if (count < form.minFragments || count > form.maxFragments || index >= count) return false;
  const uint32_t full = (bodyLength + count - 1) / count;
  return length == (index < count - 1 ? full : bodyLength - full * (count - 1));
}

Drop readFragment(const uint8_t* datagram, size_t length, size_t headerSize, HandshakeForm* form) {
  const size_t overhead = headerSize + kMacTrailerSize;
  if (length < overhead) return Drop::badLength;
  const uint8_t suite = datagram[1];
  if (suite < 1 || suite > kSuites) return Drop::suiteDisabled;
  const SuiteForm& suiteForm = kForms[suite - 1];
  const bool initiation = form->type == MessageType::initiationFragment;
  const uint32_t bodyLength = initiation ? suiteForm.initiationBody : suiteForm.responseBody;
  if (!isLegalSlice(suiteForm, bodyLength, datagram[3], datagram[2], length - overhead)) return Drop::badGeometry;
  form->suite = suite;
  form->index = datagram[2];
  form->sender = readLe32(datagram + 4);
  if (!initiation) form->receiver = readLe32(datagram + 8);
  return Drop::none;
}

/** Types 1 to 3: exact length, and bytes 1–3 zero. */
Drop checkFixed(const uint8_t* datagram, size_t length, size_t size) {
  if (length != size) return Drop::badLength;
  return readLe32(datagram) >> 8 == 0 ? Drop::none : Drop::reservedBytes;
}

}  // namespace

Drop readForm(const uint8_t* datagram, size_t length, HandshakeForm* form) {
  if (length == 0) return Drop::badLength;
  *form = {static_cast<MessageType>(datagram[0]), 0, 0, 0, 0};
  Drop drop = Drop::unknownType;
  switch (form->type) {
    case MessageType::initiationFragment:
      return readFragment(datagram, length, kInitiationHeader, form);
    case MessageType::responseFragment:
      return readFragment(datagram, length, kResponseHeader, form);
    case MessageType::cookieReply:
      drop = checkFixed(datagram, length, kCookieReplySize);
      if (drop == Drop::none) form->receiver = readLe32(datagram + 4);
      return drop;
    case MessageType::classicalInitiation:
      drop = checkFixed(datagram, length, kClassicalInitiationSize);
      if (drop == Drop::none) form->sender = readLe32(datagram + 4);
      return drop;
    case MessageType::classicalResponse:
      drop = checkFixed(datagram, length, kClassicalResponseSize);
      if (drop == Drop::none) {
        form->sender = readLe32(datagram + 4);
        form->receiver = readLe32(datagram + 8);
      }
      return drop;
    case MessageType::transport:
      break;
  }
  return drop;
}

}  // namespace pqtun
