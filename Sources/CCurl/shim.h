#ifndef FULDMAGT_CURL_SHIM_H
#define FULDMAGT_CURL_SHIM_H

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

/* What takes any number of arguments in C is not seen in Swift. */
static inline CURLcode fm_curl_set_text(CURL *handle, CURLoption option, char const *value)
{
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode fm_curl_set_number(CURL *handle, CURLoption option, long value)
{
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode fm_curl_set_list(CURL *handle, CURLoption option, struct curl_slist *value)
{
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode fm_curl_set_body(CURL *handle, void const *bytes, size_t count)
{
    CURLcode code = curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)count);
    return code == CURLE_OK ? curl_easy_setopt(handle, CURLOPT_POSTFIELDS, bytes) : code;
}

/* Asked once a connection stands, before the request is sent: anything but CURL_PREREQFUNC_OK stops it. */
typedef int (*fm_curl_ask)(void *context, char *remote, char *local, int remote_port, int local_port);

static inline CURLcode fm_curl_set_ask(CURL *handle, fm_curl_ask ask, void *context)
{
    CURLcode code = curl_easy_setopt(handle, CURLOPT_PREREQFUNCTION, ask);
    return code == CURLE_OK ? curl_easy_setopt(handle, CURLOPT_PREREQDATA, context) : code;
}

static inline size_t fm_curl_drop(char *bytes, size_t size, size_t count, void *context)
{
    (void)bytes;
    (void)context;
    return size * count;
}

static inline CURLcode fm_curl_drop_answer(CURL *handle)
{
    return curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, fm_curl_drop);
}

static inline long fm_curl_status(CURL *handle)
{
    long status = 0;
    return curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK ? status : 0;
}

#endif
