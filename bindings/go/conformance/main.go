// The conformance runner: see tests/conformance/README.md.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	tokens "mpttokens"
)

var input = bufio.NewReader(os.Stdin)

func main() {
	for {
		line, err := input.ReadString('\n')
		if err != nil {
			return
		}
		request, err := url.ParseQuery(strings.TrimSuffix(line, "\n"))
		if err != nil {
			panic(err)
		}
		answer(request)
		debug.FreeOSMemory() // so that what is resident is what is held
		fmt.Println()
	}
}

func answer(request url.Values) {
	client, err := tokens.New(options(request)...)
	if err != nil {
		refused(err)
		return
	}
	defer client.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	switch request.Get("cancel") {
	case "before":
		cancel()
	case "during":
		go func() {
			_, _ = input.ReadString('\n')
			cancel()
		}()
	}
	if strings.HasSuffix(request.Get("call"), "batch") {
		batch(ctx, client, request)
		return
	}
	for _, id := range request["id"] {
		call := client.DeleteToken
		if request.Get("call") == "burn" {
			call = client.Burn
		}
		outcome, err := call(ctx, id)
		if err != nil {
			refused(err)
		} else {
			tell(outcome, "", fmt.Sprintf("%+v", client))
		}
	}
}

func batch(ctx context.Context, client *tokens.Client, request url.Values) {
	concurrency := 8
	if request.Has("concurrency") {
		concurrency = number(request, "concurrency")
	}
	var settings []tokens.BatchOption
	if request.Has("patience_ms") {
		settings = append(settings, tokens.Patience(time.Duration(number(request, "patience_ms"))*time.Millisecond))
	}
	many := client.DeleteTokens
	if request.Get("call") == "burn_batch" {
		many = client.BurnTokens
	}
	batch, err := many(ctx, request["id"], concurrency, settings...)
	if err != nil {
		refused(err)
		return
	}
	defer batch.Close()
	for count := 1; batch.Next(); count++ {
		tell(batch.Outcome(), "", fmt.Sprintf("%+v", client))
		if count == number(request, "stop_after") {
			break
		}
	}
	var stopped *tokens.StoppedError
	if errors.As(batch.Err(), &stopped) {
		fields := url.Values{}
		fields.Set("stopped", stopped.Reason)
		fields.Set("stopped_code", stopped.Code)
		fields.Set("stopped_message", stopped.Message)
		fields.Set("skipped", fmt.Sprint(stopped.Skipped))
		fields.Set("not_pulled", fmt.Sprint(stopped.NotPulled))
		fmt.Println(fields.Encode())
	}
}

func options(request url.Values) []tokens.Option {
	var options []tokens.Option
	for name := range request {
		value := request.Get(name)
		milliseconds := func() time.Duration { return time.Duration(number(request, name)) * time.Millisecond }
		switch name {
		case "api_token":
			options = append(options, tokens.APIToken(value))
		case "base_url":
			options = append(options, tokens.BaseURL(value))
		case "ca_file":
			options = append(options, tokens.CAFile(value))
		case "proxy":
			options = append(options, tokens.Proxy(value))
		case "attempts":
			options = append(options, tokens.Attempts(uint32(number(request, name))))
		case "timeout_ms":
			options = append(options, tokens.Timeout(milliseconds()))
		case "attempt_timeout_ms":
			options = append(options, tokens.AttemptTimeout(milliseconds()))
		case "connect_timeout_ms":
			options = append(options, tokens.ConnectTimeout(milliseconds()))
		case "backoff_cap_ms":
			base := time.Duration(number(request, "backoff_base_ms")) * time.Millisecond
			options = append(options, tokens.Backoff(base, milliseconds()))
		case "burn_only":
			options = append(options, tokens.BurnOnly())
		case "missing_ok":
			options = append(options, tokens.MissingOK())
		case "allow_own_token":
			options = append(options, tokens.AllowOwnToken())
		}
	}
	return options
}

func number(request url.Values, name string) int {
	value, _ := strconv.Atoi(request.Get(name))
	return value
}

func refused(err error) {
	var failure *tokens.Error
	if !errors.As(err, &failure) {
		panic(err)
	}
	if failure.Code == "cancelled" && !errors.Is(err, context.Canceled) {
		panic("a cancelled call must wrap the context's error")
	}
	tell(failure.Outcome, fmt.Sprintf("%T", err), fmt.Sprintf("%+v", err))
}

func tell(outcome tokens.Outcome, raised, shown string) {
	fields := url.Values{}
	set := func(name string, value any) {
		text := fmt.Sprint(value)
		if value == nil || value == 0 {
			text = ""
		}
		fields.Set(name, text)
	}
	set("id", outcome.ID)
	set("outcome", outcome.Kind)
	set("code", outcome.Code)
	set("http_status", outcome.HTTPStatus)
	fields.Set("attempts", strconv.Itoa(len(outcome.Attempts)))
	fields.Set("rounds", strconv.Itoa(outcome.Rounds))
	fields.Set("settled_at_ms", strconv.FormatInt(outcome.SettledAt.UnixMilli(), 10))
	set("title", outcome.Problem["title"])
	set("detail", outcome.Problem["detail"])
	set("message", outcome.Message)
	fields.Set("retryable", "0")
	if outcome.Retryable {
		fields.Set("retryable", "1")
	}
	fields.Set("retry_after", "")
	if outcome.RetryAfter > 0 {
		set("retry_after", outcome.RetryAfter.Seconds())
	}
	set("trace_id", outcome.TraceID)
	set("raised", raised)
	set("shown", shown)
	fmt.Println(fields.Encode())
}
