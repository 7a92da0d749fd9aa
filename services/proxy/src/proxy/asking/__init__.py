"""What the body of a submission may say."""
