#ifndef FULDMAGT_CRYPTO_SHIM_H
#define FULDMAGT_CRYPTO_SHIM_H

/* The hash functions as they were before OpenSSL 3: their state is a plain structure, copied without an allocation. */
#define OPENSSL_API_COMPAT 0x10100000L

#include <openssl/evp.h>
#include <openssl/sha.h>

/* What is a macro in C is not always seen in Swift. */
static inline int fm_gcm_take_tag(EVP_CIPHER_CTX *context, void *tag)
{
    return EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, 16, tag);
}

static inline int fm_gcm_expect_tag(EVP_CIPHER_CTX *context, void const *tag)
{
    return EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, 16, (void *)tag);
}

#endif
