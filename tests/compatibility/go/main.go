// Runs cases with Ollama's own client for Go: reads them from its standard input, one JSON a line, and tells what came,
// as the driver of Python does.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/ollama/ollama/api"
)

type given struct {
	ID      int     `json:"id"`
	URL     string  `json:"url"`
	Do      string  `json:"do"`
	Model   string  `json:"model"`
	Text    string  `json:"text"`
	Stream  bool    `json:"stream"`
	Tools   bool    `json:"tools"`
	Schema  bool    `json:"schema"`
	Result  *string `json:"result"`
	Timeout float64 `json:"timeout"`
	Leave   bool    `json:"leave"`
}

type call struct {
	Name      string         `json:"name"`
	Arguments map[string]any `json:"arguments"`
}

type failure struct {
	Kind    string `json:"kind"`
	Status  int    `json:"status"`
	Message string `json:"message"`
}

type end struct {
	Text   string   `json:"text"`
	Calls  []call   `json:"calls"`
	Finish string   `json:"finish"`
	Data   any      `json:"data"`
	Error  *failure `json:"error,omitempty"`
}

var (
	writing sync.Mutex
	leaving sync.Map
)

func write(line any) {
	writing.Lock()
	defer writing.Unlock()
	if err := json.NewEncoder(os.Stdout).Encode(line); err != nil {
		panic(err)
	}
}

func described(err error) *failure {
	found := &failure{Kind: fmt.Sprintf("%T", err), Message: err.Error()}
	var status api.StatusError
	if errors.As(err, &status) {
		found.Status = status.StatusCode
	}
	return found
}

const tools = `[{"type":"function","function":{"name":"add_numbers","description":"Adds two numbers","parameters":{
"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}},"required":["a","b"]}}}]`

const schema = `{"type":"object","properties":{"city":{"type":"string"},"people":{"type":"integer"}},
"required":["city","people"]}`

func ask(ctx context.Context, g given) (end, error) {
	base, err := url.Parse(g.URL)
	if err != nil {
		return end{}, err
	}
	client := api.NewClient(base, &http.Client{Timeout: time.Duration(g.Timeout * float64(time.Second))})
	if g.Model == "" {
		g.Model = "llama3.2"
	}
	switch g.Do {
	case "list":
		found, err := client.List(ctx)
		if err != nil {
			return end{}, err
		}
		names := []string{}
		for _, each := range found.Models {
			names = append(names, each.Model)
		}
		return end{Data: names}, nil
	case "running":
		found, err := client.ListRunning(ctx)
		if err != nil {
			return end{}, err
		}
		names := []string{}
		for _, each := range found.Models {
			names = append(names, each.Model)
		}
		return end{Data: names}, nil
	case "show":
		found, err := client.Show(ctx, &api.ShowRequest{Model: g.Model, Name: g.Model})
		if err != nil {
			return end{}, err
		}
		names := []string{}
		for name := range found.ModelInfo {
			names = append(names, name)
		}
		return end{Data: names}, nil
	case "head":
		return end{Data: "there"}, client.Heartbeat(ctx)
	case "version":
		found, err := client.Version(ctx)
		return end{Data: found}, err
	case "pull":
		seen := []string{}
		err := client.Pull(ctx, &api.PullRequest{Model: g.Model, Stream: &g.Stream}, func(p api.ProgressResponse) error {
			seen = append(seen, p.Status)
			return nil
		})
		return end{Data: seen}, err
	case "embed":
		found, err := client.Embed(ctx, &api.EmbedRequest{Model: g.Model, Input: g.Text})
		if err != nil {
			return end{}, err
		}
		return end{Data: found.Embeddings}, nil
	case "delete":
		return end{}, client.Delete(ctx, &api.DeleteRequest{Model: g.Model})
	case "generate":
		return generate(ctx, client, g)
	}
	return chat(ctx, client, g)
}

func generate(ctx context.Context, client *api.Client, g given) (end, error) {
	told := end{}
	err := client.Generate(ctx, &api.GenerateRequest{Model: g.Model, Prompt: g.Text, Stream: &g.Stream},
		func(part api.GenerateResponse) error {
			say(g, part.Response)
			told.Text += part.Response
			told.Finish = part.DoneReason
			return nil
		})
	return told, err
}

func say(g given, piece string) {
	if piece != "" {
		write(map[string]any{"id": g.ID, "piece": piece})
	}
}

func chat(ctx context.Context, client *api.Client, g given) (end, error) {
	asked := &api.ChatRequest{Model: g.Model, Stream: &g.Stream, Messages: []api.Message{{Role: "user", Content: g.Text}}}
	if g.Tools {
		if err := json.Unmarshal([]byte(tools), &asked.Tools); err != nil {
			return end{}, err
		}
	}
	if g.Schema {
		asked.Format = json.RawMessage(schema)
	}
	told, made, err := turn(ctx, client, asked, g)
	if err != nil || g.Result == nil || len(made) == 0 {
		return told, err
	}
	asked.Messages = append(asked.Messages,
		api.Message{Role: "assistant", Content: told.Text, ToolCalls: made},
		api.Message{Role: "tool", Content: *g.Result, ToolName: made[0].Function.Name})
	second, _, err := turn(ctx, client, asked, g)
	second.Calls = told.Calls
	return second, err
}

func turn(ctx context.Context, client *api.Client, asked *api.ChatRequest, g given) (end, []api.ToolCall, error) {
	told := end{Calls: []call{}}
	made := []api.ToolCall{}
	err := client.Chat(ctx, asked, func(part api.ChatResponse) error {
		say(g, part.Message.Content)
		told.Text += part.Message.Content
		told.Finish = part.DoneReason
		for _, each := range part.Message.ToolCalls {
			made = append(made, each)
			told.Calls = append(told.Calls, call{each.Function.Name, each.Function.Arguments.ToMap()})
		}
		return nil
	})
	return told, made, err
}

func run(g given) {
	ctx, leave := context.WithCancel(context.Background())
	leaving.Store(g.ID, leave)
	told, err := ask(ctx, g)
	if err != nil {
		told.Error = described(err)
	}
	leaving.Delete(g.ID)
	leave()
	write(map[string]any{"id": g.ID, "end": told})
}

func main() {
	write(map[string]any{"ready": true})
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var g given
		if err := json.Unmarshal(lines.Bytes(), &g); err != nil {
			panic(err)
		}
		if g.Leave {
			if leave, found := leaving.Load(g.ID); found {
				leave.(context.CancelFunc)()
			}
			continue
		}
		go run(g)
	}
}
