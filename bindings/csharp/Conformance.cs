// The conformance runner: see tests/conformance/README.md.
using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Threading;
using MptTokens;

static class Conformance
{
    static readonly TextReader Input = new StreamReader(Console.OpenStandardInput());
    static readonly TextWriter Output = new StreamWriter(Console.OpenStandardOutput());

    static void Main()
    {
        for (string line; (line = Input.ReadLine()) != null;)
        {
            var pairs = line.Split('&').Select(pair => pair.Split('=')).ToLookup(pair => pair[0], pair => Uri.UnescapeDataString(pair[1]));
            try
            {
                Answer(pairs, name => pairs[name].FirstOrDefault());
            }
            catch (TokenException failure)
            {
                Tell(failure.Outcome, failure.GetType().FullName, failure);
            }
            // So that what is resident is what is held; what waits for its finalizer is not.
            GC.Collect();
            GC.WaitForPendingFinalizers();
            GC.Collect();
            Output.WriteLine();
            Output.Flush();
        }
    }

    static void Answer(ILookup<string, string> pairs, Func<string, string> one)
    {
        using (var client = new Client(Options(one)))
        using (var cancellation = new CancellationTokenSource())
        {
            if (one("cancel") == "before") cancellation.Cancel();
            if (one("cancel") == "during") new Thread(() => { Input.ReadLine(); cancellation.Cancel(); }).Start();
            if (one("call").EndsWith("batch"))
            {
                var limit = Number(one("patience_ms"));
                var patience = limit == null ? default(TimeSpan?) : TimeSpan.FromMilliseconds(limit.Value);
                var count = Number(one("concurrency")) ?? 8;
                var told = one("call") == "burn_batch"
                    ? client.BurnTokens(pairs["id"], count, patience: patience, cancellation: cancellation.Token, stopped: TellStopped)
                    : client.DeleteTokens(pairs["id"], count, patience: patience, cancellation: cancellation.Token, stopped: TellStopped);
                foreach (var outcome in told.Take(Number(one("stop_after")) ?? int.MaxValue)) Tell(outcome, "", client);
                return;
            }
            var burn = one("call") == "burn";
            foreach (var id in pairs["id"]) Single(client, burn, id, cancellation.Token);
        }
    }

    static void Single(Client client, bool burn, string id, CancellationToken cancellation)
    {
        if (burn)
        {
            try
            {
                Tell(client.Burn(id, cancellation), "", client);
            }
            catch (TokenException failure)
            {
                Tell(failure.Outcome, failure.GetType().FullName, failure);
            }
            return;
        }
        var call = client.DeleteTokenAsync(id, cancellation);
        try
        {
            Tell(call.GetAwaiter().GetResult(), "", client);
        }
        catch (TokenException failure)
        {
            Tell(failure.Outcome, failure.GetType().FullName, failure);
        }
        catch (OperationCanceledException cancelled)
        {
            if (!call.IsCanceled || cancelled.CancellationToken != cancellation) throw new Exception("a cancelled call must be a cancelled task");
            var failure = (TokenException)cancelled.InnerException;
            Tell(failure.Outcome, failure.GetType().FullName, cancelled);
        }
    }

    static ClientOptions Options(Func<string, string> one)
    {
        Func<string, TimeSpan?> time = name => Number(one(name)) is int ms ? TimeSpan.FromMilliseconds(ms) : default(TimeSpan?);
        Func<string, bool?> flag = name => one(name) == null ? default(bool?) : one(name) == "1";
        return new ClientOptions
        {
            ApiToken = one("api_token"), BaseUrl = one("base_url"), CaFile = one("ca_file"), Proxy = one("proxy"),
            Attempts = Number(one("attempts")), Timeout = time("timeout_ms"), AttemptTimeout = time("attempt_timeout_ms"),
            ConnectTimeout = time("connect_timeout_ms"), BackoffBase = time("backoff_base_ms"), BackoffCap = time("backoff_cap_ms"),
            MissingOk = flag("missing_ok"), AllowOwnToken = flag("allow_own_token"), BurnOnly = flag("burn_only"),
        };
    }

    static int? Number(string text) => text == null ? default(int?) : int.Parse(text, CultureInfo.InvariantCulture);

    static void TellStopped(Stopped why) => Output.WriteLine(
        $"stopped={why.Reason}&stopped_code={why.Code}&stopped_message={Uri.EscapeDataString(why.Message)}&skipped={why.Skipped}&not_pulled={why.NotPulled}");

    static void Tell(Outcome outcome, string raised, object shown)
    {
        var members = shown.GetType().GetProperties().Select(property => $"{property.Name}: {property.GetValue(shown)}");
        var fields = new Dictionary<string, object>
        {
            ["id"] = outcome.Id, ["outcome"] = outcome.Kind, ["code"] = outcome.Code, ["http_status"] = outcome.HttpStatus,
            ["attempts"] = outcome.Attempts, ["rounds"] = outcome.Rounds,
            ["settled_at_ms"] = outcome.SettledAt.ToUnixTimeMilliseconds(), ["title"] = outcome.Title, ["detail"] = outcome.Detail, ["message"] = outcome.Message,
            ["retryable"] = outcome.Retryable ? 1 : 0,
            ["retry_after"] = outcome.RetryAfter?.TotalSeconds, ["trace_id"] = outcome.TraceId, ["raised"] = raised,
            ["shown"] = $"{shown} {string.Join(", ", members)}",
        };
        var told = fields.Select(field => $"{field.Key}={Uri.EscapeDataString(Convert.ToString(field.Value, CultureInfo.InvariantCulture))}");
        Output.WriteLine(string.Join("&", told));
    }
}
