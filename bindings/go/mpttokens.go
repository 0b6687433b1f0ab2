// Package mpttokens deletes API tokens of the SoftwareONE Marketplace, and says what is true of them afterwards. It calls
// libmpt_tokens through cgo; pkg-config must find that library as mpt_tokens.
package mpttokens

/*
#cgo pkg-config: mpt_tokens
#include <stdlib.h>
#include <string.h>
#include <mpt_tokens.h>
*/
import "C"

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"runtime"
	"strings"
	"sync"
	"time"
	"unsafe"
)

// Outcome is the result of a call for one token.
type Outcome struct {
	ID         string         `json:"id"`          // the token id
	Kind       string         `json:"outcome"`     // "deleted", "gone", "not_deleted" or "unknown" (ask again)
	Code       string         `json:"code"`        // what happened: "ok", "not_found", "timeout"...
	HTTPStatus int            `json:"http_status"` // of the last response; 0: none
	Attempts   []Attempt      `json:"attempts"`
	Rounds     int            `json:"rounds"`  // the calls for it: more than 1 if a batch put it off and tried it again
	Problem    map[string]any `json:"problem"`   // the server's problem details; nil: none
	Message    string         `json:"message"`   // one sentence: what happened, what is true, what to do
	Retryable  bool           `json:"retryable"` // whether trying again later can change it
	TraceID    string         `json:"trace_id"`
	SettledAt  time.Time      `json:"at"` // when this became known
	RetryAfter time.Duration  `json:"-"` // how long the server asked to wait; 0: it did not
	Elapsed    time.Duration  `json:"-"`
}

// Attempt is one request of a call.
type Attempt struct {
	Number     int     `json:"number"`
	Sent       bool    `json:"sent"` // whether any part of the request may have been sent
	HTTPStatus int     `json:"http_status"`
	Failure    string  `json:"failure"` // the code, if there was no response
	ElapsedMS  float64 `json:"elapsed_ms"`
	WaitedMS   float64 `json:"waited_ms"`
}

// Dead reports whether the token is dead: deleted or gone.
func (o Outcome) Dead() bool { return o.Kind == "deleted" || o.Kind == "gone" }

// Error is a call after which the token is not known to be dead. Kind says whether it may be dead anyway.
type Error struct {
	Outcome
	cause error
}

func (e *Error) Error() string { return e.Message }

// Unwrap returns the error of the context that ended the call, if one did.
func (e *Error) Unwrap() error { return e.cause }

var errClosed = errors.New("mpttokens: the client is closed")

// Option changes one setting of a client. New reports a value that cannot be used.
type Option func(*C.mpt_config)

// APIToken sets the token to authenticate with, instead of $MPT_API_TOKEN.
func APIToken(value string) Option {
	return text(value, func(c *C.mpt_config, s *C.char) { C.mpt_config_set_api_token(c, s) })
}

// BaseURL sets the base URL of the API, instead of $MPT_API_BASE_URL or https://api.platform.softwareone.com.
func BaseURL(url string) Option {
	return text(url, func(c *C.mpt_config, s *C.char) { C.mpt_config_set_base_url(c, s) })
}

// UserAgent sets the caller's part of the User-Agent, which is sent before the library's own.
func UserAgent(product string) Option {
	return text(product, func(c *C.mpt_config, s *C.char) { C.mpt_config_set_user_agent(c, s) })
}

// CAFile sets a PEM file of certificate authorities to trust in addition to the platform's.
func CAFile(path string) Option {
	return text(path, func(c *C.mpt_config, s *C.char) { C.mpt_config_set_ca_file(c, s) })
}

// Proxy sets the URL of an HTTP proxy, instead of the environment's.
func Proxy(url string) Option {
	return text(url, func(c *C.mpt_config, s *C.char) { C.mpt_config_set_proxy(c, s) })
}

// Timeout sets the time limit of a call over all attempts; 60 s by default.
func Timeout(limit time.Duration) Option {
	return func(c *C.mpt_config) { C.mpt_config_set_timeout_ms(c, milliseconds(limit)) }
}

// AttemptTimeout sets the time limit of one attempt; 20 s by default.
func AttemptTimeout(limit time.Duration) Option {
	return func(c *C.mpt_config) { C.mpt_config_set_attempt_timeout_ms(c, milliseconds(limit)) }
}

// ConnectTimeout sets the time limit for opening a connection; 5 s by default.
func ConnectTimeout(limit time.Duration) Option {
	return func(c *C.mpt_config) { C.mpt_config_set_connect_timeout_ms(c, milliseconds(limit)) }
}

// Attempts sets the largest number of attempts in a call; 4 by default.
func Attempts(attempts uint32) Option {
	return func(c *C.mpt_config) { C.mpt_config_set_attempts(c, C.uint32_t(attempts)) }
}

// Backoff bounds the pauses between attempts; 200 ms, doubling up to 10 s, by default.
func Backoff(base, limit time.Duration) Option {
	return func(c *C.mpt_config) { C.mpt_config_set_backoff_ms(c, milliseconds(base), milliseconds(limit)) }
}

// MissingOK makes a token that the API does not know a success ("gone").
func MissingOK() Option { return func(c *C.mpt_config) { C.mpt_config_set_missing_ok(c, 1) } }

// AllowOwnToken allows the token in use to be deleted.
func AllowOwnToken() Option { return func(c *C.mpt_config) { C.mpt_config_set_allow_own_token(c, 1) } }

// BurnOnly makes a client without an API token, not even that of the environment: it can only Burn.
func BurnOnly() Option { return func(c *C.mpt_config) { C.mpt_config_set_burn_only(c, 1) } }

// AllowPlainHTTP allows plain HTTP to hosts other than loopback, which sends the API token unencrypted.
func AllowPlainHTTP() Option {
	return func(c *C.mpt_config) { C.mpt_config_set_allow_plain_http(c, 1) }
}

// Client deletes tokens. Any number of goroutines may use it. Close it once.
type Client struct {
	lock   sync.Mutex
	handle *C.mpt_client
}

// New creates a client. Settings without an option come from the environment, or are the library's defaults.
func New(options ...Option) (*Client, error) {
	config := C.mpt_config_new_from_env()
	defer C.mpt_config_free(config)
	for _, option := range options {
		option(config)
	}
	client := &Client{}
	var refused *C.mpt_outcome
	if C.mpt_client_new(config, &client.handle, &refused) != C.MPT_OK {
		return nil, &Error{Outcome: take(refused)}
	}
	runtime.SetFinalizer(client, (*Client).Close)
	return client, nil
}

// Close closes the client; calls under way continue. It never fails.
func (c *Client) Close() error {
	c.lock.Lock()
	defer c.lock.Unlock()
	C.mpt_client_free(c.handle)
	c.handle = nil
	return nil
}

// DeleteToken deletes one token. When ctx is done, the call ends within 200 ms with an Error that says what is true of
// the token, and that wraps the context's error.
func (c *Client) DeleteToken(ctx context.Context, id string) (Outcome, error) {
	call, end, err := c.call(ctx)
	if err != nil {
		return Outcome{}, err
	}
	defer end()
	cID := cString(id)
	defer C.free(unsafe.Pointer(cID))
	var pointer *C.mpt_outcome
	C.mpt_delete_token(call, cID, &pointer)
	outcome := take(pointer)
	if !outcome.Dead() {
		return outcome, failure(ctx, outcome)
	}
	return outcome, nil
}

// Burn deletes the token of a leaked value with the value itself as the credential, and proves that it is dead. If the
// code of the Error is "dead_value", the value was dead already, or never was one. Ends with ctx, as DeleteToken does.
func (c *Client) Burn(ctx context.Context, value string) (Outcome, error) {
	call, end, err := c.call(ctx)
	if err != nil {
		return Outcome{}, err
	}
	defer end()
	cValue := cString(value)
	defer func() {
		C.memset(unsafe.Pointer(cValue), 0, C.strlen(cValue))
		C.free(unsafe.Pointer(cValue))
	}()
	var pointer *C.mpt_outcome
	C.mpt_burn(call, cValue, &pointer)
	outcome := take(pointer)
	if !outcome.Dead() {
		return outcome, failure(ctx, outcome)
	}
	return outcome, nil
}

// Batch deletes many tokens. Call Next, Outcome and Close from one goroutine.
type Batch struct {
	handle  *C.mpt_batch
	outcome Outcome
	stopped *StoppedError
	end     func()
}

// StoppedError says why a batch stopped before the end of its list.
type StoppedError struct {
	Reason    string // "unauthorized", "paused", "no_answer", "journal", "asked" or "cancelled"
	Code      string // the code that comes nearest, such as "unauthorized"
	Message   string // what happened, and what to do
	Skipped   uint64 // ids that were pulled and not tried: their outcomes say so
	NotPulled uint64 // ids that were not reached: they have no outcome
}

func (e *StoppedError) Error() string { return e.Message }

// BatchOption changes one setting of a batch. A value that cannot be used is refused by DeleteTokens.
type BatchOption func(*C.mpt_batch_options)

// Patience is how long a batch continues without a conclusive answer from the API, at most one week; default: 10 minutes.
// A token whose call came to nothing is put off and tried again meanwhile. 0: each token is tried in one call.
func Patience(limit time.Duration) BatchOption {
	return func(options *C.mpt_batch_options) {
		switch {
		case limit == 0:
			options.patience_ms = C.MPT_PATIENCE_NONE
		case limit < 0:
			options.patience_ms = math.MinInt64
		default:
			options.patience_ms = C.int64_t((limit-1)/time.Millisecond + 1)
		}
	}
}

// DeleteTokens starts a batch that runs up to concurrency calls at a time, 1 to 256. Each id is tried once.
//
//	for batch.Next() { fmt.Println(batch.Outcome().Message) }
//	if err := batch.Err(); err != nil { ... } // it stopped before the end of the list
//
// A failure is an outcome like any other. When ctx is done, calls under way are cancelled, and Next returns their
// outcomes.
func (c *Client) DeleteTokens(ctx context.Context, ids []string, concurrency int, settings ...BatchOption) (*Batch, error) {
	return c.batch(ctx, ids, concurrency, settings, false)
}

// BurnTokens burns many leaked values, each with itself as the credential, as Burn does. A value that is answered 401 does
// not stop the batch. A text that is not a value has an outcome without an id.
func (c *Client) BurnTokens(ctx context.Context, values []string, concurrency int, settings ...BatchOption) (*Batch, error) {
	return c.batch(ctx, values, concurrency, settings, true)
}

func (c *Client) batch(ctx context.Context, ids []string, concurrency int, settings []BatchOption, burn bool) (*Batch, error) {
	call, end, err := c.call(ctx)
	if err != nil {
		return nil, err
	}
	list := (**C.char)(C.calloc(C.size_t(len(ids))+1, C.size_t(unsafe.Sizeof(uintptr(0)))))
	defer C.free(unsafe.Pointer(list))
	for i, id := range ids {
		text := cString(id)
		defer C.free(unsafe.Pointer(text))
		unsafe.Slice(list, len(ids))[i] = text
	}
	options := C.mpt_batch_options{concurrency: C.uint32_t(concurrency)}
	options.size = C.uint32_t(unsafe.Sizeof(options))
	for _, set := range settings {
		set(&options)
	}
	batch := &Batch{end: end}
	var refused *C.mpt_outcome
	var code C.mpt_code
	if burn {
		code = C.mpt_burn_batch_new(call, list, C.size_t(len(ids)), &options, &batch.handle, &refused)
	} else {
		code = C.mpt_batch_new(call, list, C.size_t(len(ids)), &options, &batch.handle, &refused)
	}
	if code != C.MPT_OK {
		end()
		return nil, failure(ctx, take(refused))
	}
	runtime.SetFinalizer(batch, (*Batch).Close)
	return batch, nil
}

// Next waits for the next outcome, in order of completion. It returns false when there are no more.
func (b *Batch) Next() bool {
	pointer := C.mpt_batch_next(b.handle)
	if pointer == nil {
		if reason := C.mpt_batch_stopped(b.handle); reason != nil {
			b.stopped = &StoppedError{
				Reason:    C.GoString(reason),
				Code:      C.GoString(C.mpt_code_name(C.mpt_batch_stopped_code(b.handle))),
				Message:   C.GoString(C.mpt_batch_stopped_message(b.handle)),
				Skipped:   uint64(C.mpt_batch_skipped(b.handle)),
				NotPulled: uint64(C.mpt_batch_not_pulled(b.handle)),
			}
		}
		b.Close()
		return false
	}
	b.outcome = take(pointer)
	return true
}

// Outcome returns the outcome that the last Next found.
func (b *Batch) Outcome() Outcome { return b.outcome }

// Err returns a *StoppedError if the batch stopped before the end of its list, or nil. Call it when Next has returned
// false: ids that were not reached have no outcome.
func (b *Batch) Err() error {
	if b.stopped == nil {
		return nil
	}
	return b.stopped
}

// Close stops the batch and waits for the calls under way; after the last Next it does nothing. It never fails.
func (b *Batch) Close() error {
	C.mpt_batch_free(b.handle)
	b.handle = nil
	b.end()
	b.end = func() {}
	return nil
}

// call returns a handle on the same connections that is cancelled when ctx is done, and a function that frees it.
func (c *Client) call(ctx context.Context) (*C.mpt_client, func(), error) {
	c.lock.Lock()
	call := C.mpt_client_clone(c.handle)
	c.lock.Unlock()
	if call == nil {
		return nil, nil, errClosed
	}
	if ctx.Err() != nil {
		C.mpt_client_cancel(call)
	}
	done, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-ctx.Done():
			C.mpt_client_cancel(call)
		case <-done:
		}
	}()
	return call, func() { close(done); <-watched; C.mpt_client_free(call) }, nil
}

func failure(ctx context.Context, outcome Outcome) *Error {
	if outcome.Code == "cancelled" {
		return &Error{outcome, ctx.Err()}
	}
	return &Error{outcome, nil}
}

// take reads an outcome and frees it.
func take(pointer *C.mpt_outcome) Outcome {
	defer C.mpt_outcome_free(pointer)
	var told struct {
		Outcome
		RetryAfter float64 `json:"retry_after"`
		ElapsedMS  float64 `json:"elapsed_ms"`
	}
	if err := json.Unmarshal([]byte(C.GoString(C.mpt_outcome_json(pointer))), &told); err != nil {
		panic("mpttokens: libmpt_tokens returned invalid JSON: " + err.Error())
	}
	told.Outcome.RetryAfter = time.Duration(told.RetryAfter * float64(time.Second))
	told.Outcome.Elapsed = time.Duration(told.ElapsedMS * float64(time.Millisecond))
	return told.Outcome
}

func text(value string, set func(*C.mpt_config, *C.char)) Option {
	return func(config *C.mpt_config) {
		s := cString(value)
		defer C.free(unsafe.Pointer(s))
		set(config, s)
	}
}

// cString copies a text. In C it ends at NUL, which would cut an id short; U+0001 is rejected just as NUL would be.
func cString(text string) *C.char { return C.CString(strings.ReplaceAll(text, "\x00", "\x01")) }

func milliseconds(d time.Duration) C.uint64_t { return C.uint64_t(d.Milliseconds()) }
