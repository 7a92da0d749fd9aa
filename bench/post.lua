-- wrk's script: every request posts the body that stands behind "--".
function init(args)
	wrk.method = "POST"
	wrk.headers["Content-Type"] = "application/json"
	wrk.body = args[1]
end
