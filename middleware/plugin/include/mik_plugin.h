/*
 * The C ABI of plugins for mik: middleware as dynamic libraries.
 *
 * A plugin is a shared library that exports one function, mik_plugin_query. ABI.md beside this
 * folder has the rules of ownership and threads on one page; in short:
 *
 *   - Who allocates frees. What is handed over is borrowed until the function returns.
 *   - Texts are a pointer and a length, not NUL-terminated.
 *   - Hooks of different requests run at the same time, on any thread, with the same plugin
 *     pointer. The hooks of one request run one after another.
 *   - No exception, longjmp or panic may leave a function, and no hook may block.
 *   - A hook that returns anything but MIK_OK fails its request with 500.
 */
#ifndef MIK_PLUGIN_H
#define MIK_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Another major version is refused. A newer minor version only appends to tables; both sides use
 * what both know. */
#define MIK_ABI_MAJOR 1
#define MIK_ABI_MINOR 0

/* What functions of the host return, and what hooks return. */
#define MIK_OK 0        /* done; of a hook: go on, or send the reply that was made */
#define MIK_NONE 1      /* there is no such header */
#define MIK_INVALID -1  /* a name, value, status or pointer that cannot be */
#define MIK_NOT_NOW -2  /* not in this hook */
#define MIK_DENIED -3   /* a header that decides where a message ends: the host sets it */
#define MIK_LIMIT -4    /* more than there is room for */
#define MIK_FAILED -5   /* it failed; of a hook: the request fails */
#define MIK_PANICKED -6 /* it panicked */

/* Levels of log lines. */
#define MIK_ERROR 1
#define MIK_WARN 2
#define MIK_INFO 3
#define MIK_DEBUG 4
#define MIK_TRACE 5

/* What mik_host.text tells of a request. */
#define MIK_METHOD 1
#define MIK_PATH 2       /* as it came, percent signs and all */
#define MIK_QUERY 3      /* what follows the '?' */
#define MIK_ROUTE 4      /* the route as a pattern: of bounded variety, fit for a metric's name */
#define MIK_MODULE 5     /* the module that will answer, if one will */
#define MIK_SCRIPT 6     /* the script that will answer, if one will */
#define MIK_REQUEST_ID 7
#define MIK_PEER 8       /* the client's address and port */
#define MIK_PEER_IP 9    /* the client's address alone */

/* What mik_host.ask asks for. */
#define MIK_ASK_REQUEST_BODY 1           /* its chunks, to read */
#define MIK_ASK_RESPONSE_BODY 2          /* its chunks, to read */
#define MIK_ASK_REQUEST_BODY_CHANGES 5   /* its chunks, to read and to change */
#define MIK_ASK_RESPONSE_BODY_CHANGES 10 /* its chunks, to read and to change */
#define MIK_ASK_END 16                   /* mik_plugin.end, also without a state */

/* How a request ended. */
#define MIK_END_COMPLETE 0 /* the response was sent as a whole */
#define MIK_END_FAILED 1   /* an error ended it */
#define MIK_END_GONE 2     /* the client went away, or the request was given up */

/* A text, or bytes: borrowed, not NUL-terminated. A NULL pointer says that there is none, which is
 * not the same as an empty one. */
typedef struct mik_str {
    const char *ptr;
    size_t len;
} mik_str;

/* MIK_STR("literal") in an expression, MIK_STR_INIT("literal") in an initializer. */
#define MIK_STR_INIT(literal) {"" literal, sizeof(literal) - 1}
#ifdef __cplusplus
#define MIK_STR(literal) (mik_str MIK_STR_INIT(literal))
#else
#define MIK_STR(literal) ((mik_str)MIK_STR_INIT(literal))
#endif

/* A header field of a reply. */
typedef struct mik_header {
    mik_str name;
    mik_str value;
} mik_header;

/* How a request ended. `size` is that of the host: look at it before reading a field that a later
 * minor version has appended. */
typedef struct mik_end {
    uint32_t size;
    uint32_t outcome;  /* MIK_END_... */
    uint32_t status;   /* of the response; 0 where there was none */
    uint32_t reserved;
    uint64_t bytes;    /* of the response body that were handed on */
} mik_end;

/* A plugin as the host knows it, for log lines and metrics. It lives as long as the process, and any
 * thread may use it. */
typedef struct mik_context mik_context;

/* A request as a hook sees it. Valid until that hook returns, on that hook's thread only. */
typedef struct mik_request mik_request;

/*
 * What a plugin may call. It is constant and lives as long as the process.
 *
 * Texts and values that these functions give are valid until the hook returns, also when the header
 * is replaced or removed meanwhile. They are read-only.
 */
typedef struct mik_host {
    uint32_t size;       /* of this table at the host */
    uint16_t abi_major;
    uint16_t abi_minor;
    mik_str product;     /* such as "mik 0.1.0" */

    /* Writes a log line. Past 4 KiB it is cut; control characters are escaped. */
    void (*log)(mik_context *context, uint32_t level, mik_str text);

    /* Says why the function that runs now is about to fail, for the one message or log line about
     * it. In `create` the request is NULL. Clients never see the text. */
    void (*explain)(mik_context *context, mik_request *request, mik_str text);

    /* Adds to the counter mik.plugin.PLUGIN.NAME. A name is 1 to 64 of a-z 0-9 _, begins with a
     * letter and does not end in _total; a plugin has at most 64 instruments (MIK_LIMIT).
     * MIK_NOT_NOW in `create`. */
    int32_t (*counter_add)(mik_context *context, mik_str name, uint64_t value);

    /* Records into the histogram of that name. Not a number, or infinite, is MIK_INVALID. */
    int32_t (*histogram_record)(mik_context *context, mik_str name, double value);

    /* Nanoseconds of a clock that only goes forward. */
    uint64_t (*monotonic_ns)(void);

    /* Nanoseconds since 1970-01-01 00:00 UTC. */
    uint64_t (*unix_ns)(void);

    /* Something of the request, MIK_METHOD to MIK_PEER_IP, in every hook. */
    mik_str (*text)(mik_request *request, uint32_t what);

    /*
     * Headers: of the request in `request_head`, of the response in `response_head`; elsewhere
     * MIK_NOT_NOW. Names are compared without regard to case. What is set is validated: nothing
     * but one field with this name and value comes of it, or MIK_INVALID and nothing at all.
     * MIK_DENIED: content-length, transfer-encoding, host, connection and what else concerns one
     * connection only.
     */

    /* The value number `index`, from 0, of the header `name`; MIK_NONE where there is none. */
    int32_t (*header_get)(mik_request *request, mik_str name, size_t index, mik_str *value);

    /* The header number `index` of all, in no special order; MIK_NONE past the last one. */
    int32_t (*header_at)(mik_request *request, size_t index, mik_str *name, mik_str *value);

    /* Sets the header to this one value, whatever it had before. */
    int32_t (*header_set)(mik_request *request, mik_str name, mik_str value);

    /* Adds a value to those that the header has. */
    int32_t (*header_append)(mik_request *request, mik_str name, mik_str value);

    /* Removes all values of the header; MIK_NONE where there was none. */
    int32_t (*header_remove)(mik_request *request, mik_str name);

    /* The status of the response, in `response_head`; 0 elsewhere. */
    uint32_t (*status)(mik_request *request);

    /* Sets the status, 200 to 599, in `response_head`. */
    int32_t (*status_set)(mik_request *request, uint32_t status);

    /* Asks for more hooks of this request: MIK_ASK_..., in `request_head`; those about the response
     * and the end in `response_head` as well. Asking for what cannot be had fails the request. */
    int32_t (*ask)(mik_request *request, uint32_t what);

    /* Answers in place of the handler, from `request_head`, `response_head` or `request_body`, once
     * the hook has returned MIK_OK. All is copied. The status is 200 to 599. A reply that HTTP does
     * not allow fails the request, whatever the hook returns. */
    int32_t (*reply)(mik_request *request, uint32_t status, const mik_header *headers,
                     size_t count, mik_str body);

    /* In a body hook, where changes were asked for: these bytes take the place of the chunk. Each
     * further call in the same hook adds to them; writing none at all drops the chunk. Elsewhere it
     * fails the request. */
    int32_t (*body_write)(mik_request *request, mik_str bytes);
} mik_host;

/*
 * What a plugin is: its functions, any of which may be NULL but one of `request_head` and
 * `response_head`. It is constant and lives as long as the process.
 *
 * `state` is a pointer that the plugin may keep for one request. It is NULL when the first hook is
 * called; each hook may read and set it; `end` is where it is freed.
 */
typedef struct mik_plugin {
    uint32_t size;       /* sizeof(mik_plugin) */
    uint16_t abi_major;  /* MIK_ABI_MAJOR */
    uint16_t abi_minor;  /* MIK_ABI_MINOR */
    mik_str name;        /* 1 to 64 of a-z 0-9 -, beginning with a letter */
    mik_str version;     /* its own, for people */

    /* Starts the plugin, once for each [[plugin]] of mik.toml that names it, before any hook.
     * `config` is the table's `config` as JSON text. What it puts into `plugin` is the first
     * argument of all hooks. Anything but MIK_OK stops the start of mik, or the reload. */
    int32_t (*create)(const mik_host *host, mik_context *context, mik_str config, void **plugin);

    /* Ends it: no hook runs any more. The library itself stays loaded. */
    void (*destroy)(void *plugin);

    /* A request has come; its body has not been read. */
    int32_t (*request_head)(void *plugin, mik_request *request, void **state);

    /* The response head is there, that of an error of the host's too; nothing has been sent. Not
     * called for the plugin's own replies. */
    int32_t (*response_head)(void *plugin, mik_request *request, void **state);

    /* A chunk of the request body on its way to the handler. After the last one the hook is called
     * once with `is_end` 1 and no bytes, for an empty body too. A handler need not read all of it. */
    int32_t (*request_body)(void *plugin, mik_request *request, void **state, mik_str chunk,
                            uint32_t is_end);

    /* The same for the response body. An error breaks the response off. */
    int32_t (*response_body)(void *plugin, mik_request *request, void **state, mik_str chunk,
                             uint32_t is_end);

    /* No hook of this request will be called any more. Called exactly once if the plugin has a
     * state, or has asked with MIK_ASK_END, whatever has happened. Of the functions of the host it
     * may use `text`, and those that need no request. */
    void (*end)(void *plugin, mik_request *request, void *state, const mik_end *end);
} mik_plugin;

/* Whether the other side's table reaches as far as this field, and the field is not NULL. */
#define MIK_HAS(table, type, field) \
    ((table)->size >= offsetof(type, field) + sizeof((table)->field) && (table)->field != NULL)

#if defined(_WIN32)
#define MIK_EXPORT __declspec(dllexport)
#else
#define MIK_EXPORT __attribute__((visibility("default")))
#endif

/* The one symbol of a plugin. It always returns its table, whatever the host's version: the host
 * decides, and names both versions where they do not fit. */
MIK_EXPORT const mik_plugin *mik_plugin_query(const mik_host *host);

#ifdef __cplusplus
}
#endif
#endif
