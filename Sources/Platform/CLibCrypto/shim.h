// SPDX-License-Identifier: Apache-2.0
#pragma once
// The plain SHA-256 functions: two objects of libcrypto.a, where the EVP interface would pull in all algorithms.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
