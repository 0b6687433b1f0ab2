// What the table of cases cannot ask for: other threads end a call, and texts that are not Unicode name nothing.
using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using MptTokens;

static class ThreadTest
{
    static void Main()
    {
        // It takes requests, and never says a word.
        var server = new TcpListener(IPAddress.Loopback, 0);
        server.Start();
        var ten = TimeSpan.FromMinutes(10);
        var url = $"http://127.0.0.1:{((IPEndPoint)server.LocalEndpoint).Port}";
        var options = new ClientOptions { ApiToken = "x", BaseUrl = url, Timeout = ten, AttemptTimeout = ten };

        using (var client = new Client(options))
        {
            Expect(Failure<TokenException>(() => client.DeleteToken("TKN-\ud800")).Outcome.Code, "invalid_token_id");

            // A synchronous call, ended by its token.
            using (var cancellation = new CancellationTokenSource())
            {
                var ended = Task.Run(() => Failure<OperationCanceledException>(() => client.DeleteToken("TKN-1", cancellation.Token)));
                Take(server);
                cancellation.Cancel();
                Expect(((TokenException)ended.Result.InnerException).Outcome.Kind, "unknown");
            }

            // An enumeration and a call, ended by the end of the client.
            var told = Task.Run(() => client.DeleteTokens(new[] { "TKN-2" }).Single());
            var call = client.DeleteTokenAsync("TKN-3");
            Take(server);
            Take(server);
            client.Dispose();
            Expect(told.Result.Code, "cancelled");
            Expect(told.Result.Kind, "unknown");
            Expect(Failure<TokenException>(() => call.GetAwaiter().GetResult()).Outcome.Kind, "unknown");
            Expect(call.IsFaulted, true);
            Failure<ObjectDisposedException>(() => client.DeleteToken("TKN-4"));
        }
        server.Stop();
    }

    // Held, since a connection that is forgotten is closed.
    static readonly List<Socket> Taken = new List<Socket>();

    static void Take(TcpListener server)
    {
        Taken.Add(server.AcceptSocket());
        Taken.Last().Receive(new byte[1]);
    }

    static T Failure<T>(Action call) where T : Exception
    {
        try
        {
            call();
        }
        catch (T failure)
        {
            return failure;
        }
        throw new Exception($"no {typeof(T)} was thrown");
    }

    static void Expect(object told, object expected)
    {
        if (!told.Equals(expected)) throw new Exception($"told {told}, expected {expected}");
    }
}
