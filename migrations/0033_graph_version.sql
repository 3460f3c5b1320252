-- Graphs with subgraphs of the installation: every version of their schemas, and which was published when. A gateway
-- that cannot ask a service for its schema serves the one that was served last.
CREATE TABLE "graph_publication" (
  "id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "graph_publication_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
  "version" text NOT NULL,
  "actor" text NOT NULL,
  "reason" text NOT NULL,
  "published_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

CREATE TABLE "graph_version" (
  "version" text PRIMARY KEY NOT NULL,
  "subgraphs" jsonb NOT NULL,
  "supergraph" text NOT NULL,
  "added_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
  "served_at" timestamp with time zone
);

ALTER TABLE "graph_publication" ADD CONSTRAINT "graph_publication_version_fkey" FOREIGN KEY ("version") REFERENCES "public"."graph_version"("version") ON DELETE no action ON UPDATE no action;
