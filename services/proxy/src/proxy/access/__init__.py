"""Who may do what: by which name this server is called, who asks, and what that one may."""
