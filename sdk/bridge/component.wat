;; The component around the core module that this crate compiles to.
;;
;; Written by hand, because the usual layout (one module that has the memory, a table through which it calls what
;; it imports, a third module that fills the table) costs two more instances and a table in every fresh instance. Here
;; the memory is a module of its own and comes first, so that all that is imported can be lowered into it before
;; the bridge itself is instantiated.
;;
;; `assemble` puts the compiled code in the place of the module `$code`.
(component $bridge

  ;; -- What is imported: of each interface, what the bridge uses ----------------------------------------------------

  (import "wasi:io/error@0.2.12" (instance $io-error
    (export "error" (type (sub resource)))
  ))
  (alias export $io-error "error" (type $error))

  (import "wasi:io/streams@0.2.12" (instance $streams
    (export "output-stream" (type $output-stream (sub resource)))
    (alias outer $bridge $error (type $outer-error))
    (export "error" (type $error (eq $outer-error)))
    (type $variant (variant (case "last-operation-failed" (own $error)) (case "closed")))
    (export "stream-error" (type $stream-error (eq $variant)))
    (type $done (result (error $stream-error)))
    (export "[method]output-stream.check-write"
      (func (param "self" (borrow $output-stream)) (result (result u64 (error $stream-error)))))
    (export "[method]output-stream.write"
      (func (param "self" (borrow $output-stream)) (param "contents" (list u8)) (result $done)))
    (export "[method]output-stream.blocking-write-and-flush"
      (func (param "self" (borrow $output-stream)) (param "contents" (list u8)) (result $done)))
    (export "[method]output-stream.blocking-flush"
      (func (param "self" (borrow $output-stream)) (result $done)))
  ))
  (alias export $streams "output-stream" (type $output-stream))

  (import "wasi:http/types@0.2.12" (instance $http
    (alias outer $bridge $output-stream (type $outer-output-stream))
    (export "output-stream" (type $output-stream (eq $outer-output-stream)))

    (type $methods (variant
      (case "get") (case "head") (case "post") (case "put") (case "delete") (case "connect") (case "options")
      (case "trace") (case "patch") (case "other" string)
    ))
    (export "method" (type $method (eq $methods)))
    (export "incoming-request" (type $incoming-request (sub resource)))
    (export "[method]incoming-request.method"
      (func (param "self" (borrow $incoming-request)) (result $method)))

    (type $header-errors (variant (case "invalid-syntax") (case "forbidden") (case "immutable")))
    (export "header-error" (type $header-error (eq $header-errors)))
    (export "fields" (type $fields (sub resource)))
    (export "[static]fields.from-list"
      (func (param "entries" (list (tuple string (list u8)))) (result (result (own $fields) (error $header-error)))))

    (export "outgoing-response" (type $outgoing-response (sub resource)))
    (export "outgoing-body" (type $outgoing-body (sub resource)))
    (export "[constructor]outgoing-response"
      (func (param "headers" (own $fields)) (result (own $outgoing-response))))
    (export "[method]outgoing-response.set-status-code"
      (func (param "self" (borrow $outgoing-response)) (param "status-code" u16) (result (result))))
    (export "[method]outgoing-response.body"
      (func (param "self" (borrow $outgoing-response)) (result (result (own $outgoing-body)))))

    (type $dns-record (record (field "rcode" (option string)) (field "info-code" (option u16))))
    (export "DNS-error-payload" (type $dns-error (eq $dns-record)))
    (type $tls-record (record (field "alert-id" (option u8)) (field "alert-message" (option string))))
    (export "TLS-alert-received-payload" (type $tls-alert (eq $tls-record)))
    (type $size-record (record (field "field-name" (option string)) (field "field-size" (option u32))))
    (export "field-size-payload" (type $field-size (eq $size-record)))
    (type $error-codes (variant
      (case "DNS-timeout")
      (case "DNS-error" $dns-error)
      (case "destination-not-found")
      (case "destination-unavailable")
      (case "destination-IP-prohibited")
      (case "destination-IP-unroutable")
      (case "connection-refused")
      (case "connection-terminated")
      (case "connection-timeout")
      (case "connection-read-timeout")
      (case "connection-write-timeout")
      (case "connection-limit-reached")
      (case "TLS-protocol-error")
      (case "TLS-certificate-error")
      (case "TLS-alert-received" $tls-alert)
      (case "HTTP-request-denied")
      (case "HTTP-request-length-required")
      (case "HTTP-request-body-size" (option u64))
      (case "HTTP-request-method-invalid")
      (case "HTTP-request-URI-invalid")
      (case "HTTP-request-URI-too-long")
      (case "HTTP-request-header-section-size" (option u32))
      (case "HTTP-request-header-size" (option $field-size))
      (case "HTTP-request-trailer-section-size" (option u32))
      (case "HTTP-request-trailer-size" $field-size)
      (case "HTTP-response-incomplete")
      (case "HTTP-response-header-section-size" (option u32))
      (case "HTTP-response-header-size" $field-size)
      (case "HTTP-response-body-size" (option u64))
      (case "HTTP-response-trailer-section-size" (option u32))
      (case "HTTP-response-trailer-size" $field-size)
      (case "HTTP-response-transfer-coding" (option string))
      (case "HTTP-response-content-coding" (option string))
      (case "HTTP-response-timeout")
      (case "HTTP-upgrade-failed")
      (case "HTTP-protocol-error")
      (case "loop-detected")
      (case "configuration-error")
      (case "internal-error" (option string))
    ))
    (export "error-code" (type $error-code (eq $error-codes)))
    (export "response-outparam" (type $response-outparam (sub resource)))
    (export "[static]response-outparam.set"
      (func (param "param" (own $response-outparam))
        (param "response" (result (own $outgoing-response) (error $error-code)))))

    (export "[method]outgoing-body.write"
      (func (param "self" (borrow $outgoing-body)) (result (result (own $output-stream)))))
    (export "[static]outgoing-body.finish"
      (func (param "this" (own $outgoing-body)) (param "trailers" (option (own $fields)))
        (result (result (error $error-code)))))
  ))
  (alias export $http "incoming-request" (type $incoming-request))
  (alias export $http "response-outparam" (type $response-outparam))
  (alias export $http "fields" (type $fields))
  (alias export $http "outgoing-body" (type $outgoing-body))

  (import "mik:core/handler@0.1.0" (instance $handler
    (alias outer $bridge $incoming-request (type $outer-incoming-request))
    (export "incoming-request" (type $incoming-request (eq $outer-incoming-request)))
    (export "body-source" (type $body-source (sub resource)))
    (type $content (variant (case "text" string) (case "bytes" (list u8)) (case "stream" (own $body-source))))
    (export "response-body" (type $response-body (eq $content)))
    (type $answer (record
      (field "status" u16) (field "headers" (list (tuple string (list u8)))) (field "body" $response-body)
    ))
    (export "response" (type $response (eq $answer)))
    (export "[method]body-source.next"
      (func (param "self" (borrow $body-source)) (result (result (option (list u8)) (error string)))))
    (export "handle" (func (param "request" (own $incoming-request)) (result $response)))
  ))
  (alias export $handler "body-source" (type $body-source))

  ;; -- The memory, and the function through which all that is lifted gets its room in it ----------------------------

  (core module $memory
    (memory (export "memory") 1)
    ;; Where the next allocation starts. There is nothing to free: a call, or a piece of a stream, starts again.
    (global $next (mut i32) (i32.const 0))

    (func (export "reset") (param $start i32)
      (global.set $next (local.get $start)))

    (func (export "cabi_realloc")
      (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
      (local $start i32) (local $end i64) (local $pages i32)
      (local.set $start (local.get $old))
      (if (i32.or
            (i32.eqz (local.get $old-size))
            (i32.ne (i32.add (local.get $old) (local.get $old-size)) (global.get $next)))
        (then
          ;; It is new, or something lies behind it: next + align - 1 & -align
          (local.set $start
            (i32.and
              (i32.sub (i32.add (global.get $next) (local.get $align)) (i32.const 1))
              (i32.sub (i32.const 0) (local.get $align))))))
      (local.set $end (i64.add (i64.extend_i32_u (local.get $start)) (i64.extend_i32_u (local.get $size))))
      (local.set $pages
        (i32.sub
          (i32.wrap_i64 (i64.shr_u (i64.add (local.get $end) (i64.const 0xffff)) (i64.const 16)))
          (memory.size)))
      (if (i32.gt_s (local.get $pages) (i32.const 0))
        (then
          (if (i32.eq (memory.grow (local.get $pages)) (i32.const -1))
            (then (unreachable)))))
      (global.set $next (i32.wrap_i64 (local.get $end)))
      (if (local.get $old-size)
        (then
          (memory.copy
            (local.get $start)
            (local.get $old)
            (select (local.get $old-size) (local.get $size)
              (i32.lt_u (local.get $old-size) (local.get $size))))))
      (local.get $start))
  )
  (core instance $memory (instantiate $memory))
  (alias core export $memory "memory" (core memory $mem))
  (alias core export $memory "cabi_realloc" (core func $realloc))

  ;; -- The bridge ---------------------------------------------------------------------------------------------------

  (core module $code)

  (core func $handle (canon lower (func $handler "handle") (memory $mem) (realloc $realloc)))
  (core func $next (canon lower (func $handler "[method]body-source.next") (memory $mem) (realloc $realloc)))
  (core func $drop-body-source (canon resource.drop $body-source))

  (core func $method
    (canon lower (func $http "[method]incoming-request.method") (memory $mem) (realloc $realloc)))
  (core func $from-list (canon lower (func $http "[static]fields.from-list") (memory $mem)))
  (core func $new-response (canon lower (func $http "[constructor]outgoing-response")))
  (core func $set-status-code (canon lower (func $http "[method]outgoing-response.set-status-code")))
  (core func $body (canon lower (func $http "[method]outgoing-response.body") (memory $mem)))
  (core func $set (canon lower (func $http "[static]response-outparam.set") (memory $mem)))
  (core func $write-body (canon lower (func $http "[method]outgoing-body.write") (memory $mem)))
  (core func $finish
    (canon lower (func $http "[static]outgoing-body.finish") (memory $mem) (realloc $realloc)))
  (core func $drop-outgoing-body (canon resource.drop $outgoing-body))

  (core func $check-write (canon lower (func $streams "[method]output-stream.check-write") (memory $mem)))
  (core func $write (canon lower (func $streams "[method]output-stream.write") (memory $mem)))
  (core func $blocking-write-and-flush
    (canon lower (func $streams "[method]output-stream.blocking-write-and-flush") (memory $mem)))
  (core func $blocking-flush (canon lower (func $streams "[method]output-stream.blocking-flush") (memory $mem)))
  (core func $drop-output-stream (canon resource.drop $output-stream))
  (core func $drop-error (canon resource.drop $error))

  (core instance $code (instantiate $code
    (with "env" (instance $memory))
    (with "mik:core/handler@0.1.0" (instance
      (export "handle" (func $handle))
      (export "[method]body-source.next" (func $next))
      (export "[resource-drop]body-source" (func $drop-body-source))
    ))
    (with "wasi:http/types@0.2.12" (instance
      (export "[method]incoming-request.method" (func $method))
      (export "[static]fields.from-list" (func $from-list))
      (export "[constructor]outgoing-response" (func $new-response))
      (export "[method]outgoing-response.set-status-code" (func $set-status-code))
      (export "[method]outgoing-response.body" (func $body))
      (export "[static]response-outparam.set" (func $set))
      (export "[method]outgoing-body.write" (func $write-body))
      (export "[static]outgoing-body.finish" (func $finish))
      (export "[resource-drop]outgoing-body" (func $drop-outgoing-body))
    ))
    (with "wasi:io/streams@0.2.12" (instance
      (export "[method]output-stream.check-write" (func $check-write))
      (export "[method]output-stream.write" (func $write))
      (export "[method]output-stream.blocking-write-and-flush" (func $blocking-write-and-flush))
      (export "[method]output-stream.blocking-flush" (func $blocking-flush))
      (export "[resource-drop]output-stream" (func $drop-output-stream))
    ))
    (with "wasi:io/error@0.2.12" (instance
      (export "[resource-drop]error" (func $drop-error))
    ))
  ))

  ;; -- What is exported ---------------------------------------------------------------------------------------------

  (func $serve (param "request" (own $incoming-request)) (param "response-out" (own $response-outparam))
    (canon lift (core func $code "handle")))
  ;; An instance of a component of its own, in which the types have the names that the interface gives them:
  ;; without those, tools could not say what is exported.
  (component $named
    (import "request" (type $request (sub resource)))
    (import "out" (type $out (sub resource)))
    (import "serve" (func $serve (param "request" (own $request)) (param "response-out" (own $out))))
    (export $incoming-request "incoming-request" (type $request))
    (export $response-outparam "response-outparam" (type $out))
    (export "handle" (func $serve)
      (func (param "request" (own $incoming-request)) (param "response-out" (own $response-outparam))))
  )
  (instance $incoming-handler (instantiate $named
    (with "request" (type $incoming-request))
    (with "out" (type $response-outparam))
    (with "serve" (func $serve))
  ))
  (export "wasi:http/incoming-handler@0.2.12" (instance $incoming-handler))
)
