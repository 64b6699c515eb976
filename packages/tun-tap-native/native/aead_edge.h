#pragma once

#include <node_api.h>

#include "plane/aead.h"

namespace tuntap {

/** A cipher of this engine behind a handle, for sealRecords, openRecords and closeRecordCipher. `key`: 32 B, copied. */
napi_value makeRecordCipher(napi_env env, const pqtun::AeadEngine& engine, const uint8_t* key);

/**
 * sealRecords, openRecords(cipher, memory, places, verdicts) → how many were good. `places`: 16 B each, offset u32, length u32,
 * counter u64 in host byte order, one behind the other in memory, each with 16 B for its tag; `verdicts`: a byte each, 1 for good.
 */
napi_value sealRecords(napi_env env, napi_callback_info info);
napi_value openRecords(napi_env env, napi_callback_info info);

/** closeRecordCipher(cipher): wipes the key now. May be repeated. */
napi_value closeRecordCipher(napi_env env, napi_callback_info info);

}  // namespace tuntap

/** Adds what src/record-cipher.ts calls to the addon's exports. */
void initAead(napi_env env, napi_value exports);
