# The engine alone: one binary, no shell. Workflows are mounted at /workflows, the database lies in /data.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --locked --profile dist -p rondo-cli && cp target/dist/rondo /rondo && mkdir /data

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /rondo /usr/local/bin/rondo
COPY --from=build --chown=10001:10001 /data /data
USER 10001:10001
WORKDIR /data
EXPOSE 8080
ENTRYPOINT ["/usr/local/bin/rondo"]
CMD ["serve", "--workflows=/workflows", "--store=sqlite:///data/rondo.db", "--listen=0.0.0.0:8080"]
